/* auto.c - a job's nodes, as its launcher names them. See wire.h.
 *
 * Slurm lists them all (node[01-03,7],login). torchrun tells a process only the master and how many nodes there are, so its
 * list is complete only where it is one node, or where MASTER_ADDR is all there is to know; then the reason says what to do.
 * MPI's launchers name a file of hosts. */
#include "wire.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text { char *s; size_t room, len; bool full; };

static void add(struct text *t, const char *host)
{
	size_t n = strlen(host);
	/* each once */
	for (const char *p = t->s; n && (p = strstr(p, host)); p++)
		if ((p == t->s || p[-1] == ',') && (p[n] == ',' || !p[n]))
			return;
	if (!n || t->len + n + 2 > t->room) {
		t->full |= n > 0;
		return;
	}
	t->len += (size_t)snprintf(t->s + t->len, t->room - t->len, "%s%s", t->len ? "," : "", host);
}

/* One entry of a node list, with any number of [..]: the first is written out, what follows by this again. */
static void expand(struct text *t, const char *before, const char *rest, int depth)
{
	char host[256];
	const char *open = strchr(rest, '['), *close = open ? strchr(open, ']') : NULL;
	if (!close || depth > 4) {
		if (snprintf(host, sizeof(host), "%s%s", before, rest) < (int)sizeof(host))
			add(t, host);
		return;
	}
	for (const char *p = open + 1; p < close;) {
		char *end;
		unsigned long from = strtoul(p, &end, 10), to = from;
		int wide = (int)(end - p);
		if (!isdigit((unsigned char)*p))
			return;
		if (*end == '-')
			to = strtoul(end + 1, &end, 10);
		for (unsigned long i = from; i <= to && i - from < 4096 && !t->full; i++)
			if (snprintf(host, sizeof(host), "%s%.*s%0*lu", before, (int)(open - rest), rest, wide, i) < (int)sizeof(host))
				expand(t, host, close + 1, depth + 1);
		p = *end == ',' ? end + 1 : end < close ? close : end;
	}
}

static void slurm(struct text *t, const char *list)
{
	char one[1024];
	int deep = 0;
	size_t n = 0;
	for (const char *p = list;; p++) {
		deep += *p == '[' ? 1 : *p == ']' ? -1 : 0;
		if (!*p || (*p == ',' && !deep)) {
			one[n] = 0;
			expand(t, "", one, 0);
			n = 0;
			if (!*p)
				return;
		} else if (n + 1 < sizeof(one) && !isspace((unsigned char)*p)) {
			one[n++] = *p;
		}
	}
}

/* The first word of each line of a hosts' file. */
static bool hosts(struct text *t, const char *file)
{
	char line[1024];
	FILE *f = fopen(file, "re");
	if (!f)
		return false;
	while (fgets(line, sizeof(line), f)) {
		char *p = line + strspn(line, " \t");
		p[strcspn(p, " \t\r\n:")] = 0;   /* mpich: host:slots */
		if (*p && *p != '#')
			add(t, p);
	}
	fclose(f);
	return t->len > 0;
}

int servers_auto(char *list, size_t room, char why[160])
{
	static const char *const lists[] = { "SLURM_JOB_NODELIST", "SLURM_NODELIST", "SLURM_STEP_NODELIST" };
	static const char *const files[] = { "PBS_NODEFILE", "PMI_HOSTFILE", "OMPI_MCA_orte_default_hostfile", "I_MPI_HYDRA_HOST_FILE", "LSB_DJOB_HOSTFILE",
					     "PE_HOSTFILE", "COBALT_NODEFILE" };
	static const char *const masters[] = { "PET_RDZV_ENDPOINT", "PET_MASTER_ADDR", "MASTER_ADDR" };
	static const char *const counts[] = { "PET_NNODES", "GROUP_WORLD_SIZE", "OMPI_MCA_orte_num_nodes", "NNODES" };
	struct text t = { .s = list, .room = room };
	const char *s, *nodes = NULL, *master = NULL;
	*list = 0;
	for (size_t i = 0; i < sizeof(lists) / sizeof(*lists) && !t.len; i++)
		if ((s = getenv(lists[i])) && *s)
			slurm(&t, s);
	for (size_t i = 0; i < sizeof(files) / sizeof(*files) && !t.len; i++)
		if ((s = getenv(files[i])) && *s)
			hosts(&t, s);
	if (t.full) {
		snprintf(why, 160, "more nodes than fit; name them with --pool LIST");
		return -1;
	}
	if (t.len)
		return 0;
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts) && !nodes; i++)
		nodes = (s = getenv(counts[i])) && *s ? s : NULL;
	for (size_t i = 0; i < sizeof(masters) / sizeof(*masters) && !master; i++)
		master = (s = getenv(masters[i])) && *s ? s : NULL;
	if (master && nodes && strcmp(nodes, "1") && strcmp(nodes, "1:1")) {
		snprintf(why, 160, "torchrun tells only one of its %.8s nodes, %.60s; name all with --pool LIST", nodes, master);
		return -1;
	}
	if (master) {
		char host[256];
		snprintf(host, sizeof(host), "%.250s", master);
		if (*host != '[')
			host[strcspn(host, ":")] = 0;
		else if ((s = strchr(host, ']')))
			host[s - host + 1] = 0;
		add(&t, host);
		return t.len ? 0 : -1;
	}
	snprintf(why, 160, "neither Slurm nor MPI nor torchrun names this job's nodes; name them with --pool LIST");
	return -1;
}
