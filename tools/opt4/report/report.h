/* report.h - the door of `opt4 report`: how close to the best a job came, on one page. The parts: report.c (arguments),
 * read.c (the statistics), sim.c (what could have been), page.c (the page), chart.c (its charts), html.c (style, text,
 * numbers); what they share: page.h. */
#ifndef OPT4_REPORT_H
#define OPT4_REPORT_H

int cmd_report(int argc, char **argv);

#endif
