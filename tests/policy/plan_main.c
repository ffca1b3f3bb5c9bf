/* plan_main.c - cmd_plan alone, to test it without the rest of opt4. */
#include "../../tools/opt4/plan/plan.h"

int main(int argc, char **argv)
{
	return cmd_plan(argc, argv);
}
