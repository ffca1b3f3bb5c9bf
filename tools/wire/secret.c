/* secret.c - the file that all nodes see and nobody else may read: 64 hexadecimal digits in a line. See wire.h. */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define DIGITS (4u * MAC_KEY)

static int wrong(int rc, char why[160], const char *text)
{
	snprintf(why, 160, "%s", text);
	return rc;
}

static int digits(const char *text, uint8_t *to, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char two[3] = { text[2 * i], text[2 * i + 1], 0 }, *end;
		to[i] = (uint8_t)strtoul(two, &end, 16);
		if (*end || strspn(two, "0123456789abcdefABCDEF") != 2)
			return -EINVAL;
	}
	return 0;
}

int secret_read(const char *file, struct secret *s, char why[160])
{
	char text[DIGITS + 2] = "";
	uint8_t bytes[2 * MAC_KEY];
	struct stat st;
	int fd = open(file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return wrong(-errno, why, errno == ELOOP ? "a symbolic link; name the file itself" : strerror(errno));
	ssize_t got = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? read(fd, text, sizeof(text) - 1) : -1;
	close(fd);
	if (got < 0)
		return wrong(-EINVAL, why, "no file that can be read; make one with opt4 pool init");
	if (st.st_uid != geteuid() && st.st_uid != 0)
		return wrong(-EPERM, why, "another user's; make your own with opt4 pool init");
	if (st.st_mode & 077)
		return wrong(-EPERM, why, "others may read it; chmod 600, or make a new one with opt4 pool init");
	if (got < (ssize_t)DIGITS || (text[DIGITS] && text[DIGITS] != '\n') || digits(text, bytes, sizeof(bytes)) < 0)
		return wrong(-EINVAL, why, "not what opt4 pool init makes; make it anew");
	memcpy(s->name, bytes, MAC_KEY);
	memcpy(s->value, bytes + MAC_KEY, MAC_KEY);
	return 0;
}

/* Nodes may make it at one time: each writes its own, whose link comes first has made it. */
int secret_make(const char *file)
{
	char temp[PATH_MAX], host[64] = "", text[DIGITS + 2];
	uint8_t bytes[2 * MAC_KEY];
	int rc = 0;
	gethostname(host, sizeof(host) - 1);
	if (snprintf(temp, sizeof(temp), "%s.%s.%d", file, host, (int)getpid()) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	if (access(file, F_OK) == 0)
		return -EEXIST;
	if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
		return -EIO;
	for (size_t i = 0; i < sizeof(bytes); i++)
		snprintf(text + 2 * i, 3, "%02x", bytes[i]);
	text[DIGITS] = '\n';
	int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (fchmod(fd, 0600) < 0 || write(fd, text, DIGITS + 1) != (ssize_t)DIGITS + 1 || fsync(fd) < 0)
		rc = errno ? -errno : -EIO;
	if (close(fd) < 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && link(temp, file) < 0)
		rc = errno == EPERM || errno == EOPNOTSUPP || errno == ENOSYS ? (rename(temp, file) < 0 ? -errno : 0) : -errno;
	unlink(temp);
	return rc;
}
