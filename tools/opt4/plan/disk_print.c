/* disk_print.c - what a spinning disk takes for an epoch at each size of RAM, as a table and in the JSON. */
#include "plan.h"

struct plan_files plan_files(const struct plan *p)
{
	double bytes = 0, files = p->in.nfiles ? p->in.nfiles : 1, epochs = p->in.nepochs ? p->in.nepochs : 1;

	for (uint32_t i = 0; i < p->in.nfiles; i++)
		bytes += p->in.sizes[i] == UINT32_MAX ? 0 : p->in.sizes[i];
	double read = p->in.npos / epochs > 1 ? p->in.npos / epochs : 1;
	return (struct plan_files){ read, bytes / files * read };
}

static double part(const struct plan *p, uint64_t cache)
{
	return p->dataset ? (double)cache / (double)p->dataset : 1;
}

void plan_disk_table(const struct plan *p, FILE *out)
{
	const struct plan_files f = plan_files(p);
	char a[16], b[16];

	fprintf(out, "\nMinutes of a later epoch on a spinning disk (%.1f ms a seek, %s a second; %s in %.0f files)\n"
		"%10s %8s %10s %10s %10s %10s  %s\n", p->disk.seek * 1e3, plan_size_text(p->disk.bandwidth, a),
		plan_size_text(f.bytes, b), f.files, "RAM", "dataset", "random", "elevator", "rebucket", "one pass", "opt4 takes");
	for (unsigned k = 0; k < p->nsizes; k++) {
		double c = part(p, p->sizes[k]);

		fprintf(out, "%10s %6.1f %% %10.1f %10.1f %10.1f %10.1f  %s\n", plan_size_text((double)p->sizes[k], a), 100 * c,
			disk_random(&p->disk, &f, c) / 60, disk_elevator(&p->disk, &f, c, NULL) / 60,
			disk_rebucket(&p->disk, &f, c) / 60, disk_sequential(&p->disk, &f) / 60,
			disk_way_name(disk_choose(&p->disk, &f, c, true)));
	}
	fputs("elevator: fetched ahead in the order of the disk (OPT4_ELEVATOR). rebucket: rewritten every epoch in the order of\n"
	      "the next, where opt4 run --rebucket names a folder for it; else the elevator is taken. One pass: all of it in the\n"
	      "order of the disk. With inodes that are not in memory, random takes a seek more a file.\n", out);
}

void plan_disk_json(const struct plan *p, uint64_t cache, FILE *out)
{
	const struct plan_files f = plan_files(p);
	double c = part(p, cache), window;
	double elevator = disk_elevator(&p->disk, &f, c, &window);

	fprintf(out, ", \"disk\": {\"random_minutes\": %.6f, \"elevator_minutes\": %.6f, \"rebucket_minutes\": %.6f, "
		"\"sequential_minutes\": %.6f, \"window_fraction\": %.6f, \"chosen\": \"%s\"}", disk_random(&p->disk, &f, c) / 60,
		elevator / 60, disk_rebucket(&p->disk, &f, c) / 60, disk_sequential(&p->disk, &f) / 60, window,
		disk_way_name(disk_choose(&p->disk, &f, c, true)));
}
