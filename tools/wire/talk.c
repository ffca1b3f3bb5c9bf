/* talk.c - memcached's text protocol over one connection, as far as it is needed. See wire.h. */
#include "wire.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>
#include "../../preload/base/base.h"

/* 0, or -ETIMEDOUT. */
static int ready(const struct talk *t, short what, uint64_t until)
{
	struct pollfd p = { .fd = t->fd, .events = what };
	for (;;) {
		uint64_t now = now_ns();
		int ms = now >= until ? 0 : (int)((until - now + 999999) / 1000000);
		int n = poll(&p, 1, ms);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
		if (n == 0 && now_ns() >= until)
			return -ETIMEDOUT;
	}
}

int talk_open(struct talk *t, const struct server *s, uint64_t until)
{
	int one = 1, err = 0, rc;
	socklen_t len = sizeof(err);
	t->have = t->at = 0;
	t->left = 0;
	t->between = false;
	t->fresh = true;
	t->fd = s->at_bytes ? socket(s->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0) : -1;
	if (t->fd < 0)
		return s->at_bytes ? -errno : -EHOSTUNREACH;
	setsockopt(t->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	rc = connect(t->fd, (const struct sockaddr *)&s->at, s->at_bytes) < 0 ? -errno : 0;
	if (rc == -EINPROGRESS && (rc = ready(t, POLLOUT, until)) == 0)
		rc = getsockopt(t->fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0 ? -errno : -err;
	if (rc < 0)
		talk_close(t);
	return rc;
}

void talk_close(struct talk *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static int outv(struct talk *t, struct iovec *v, size_t n, uint64_t until)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };
	while (m.msg_iovlen) {
		ssize_t did = sendmsg(t->fd, &m, MSG_NOSIGNAL);
		if (did < 0 && errno == EINTR)
			continue;
		if (did < 0 && errno == EAGAIN) {
			int rc = ready(t, POLLOUT, until);
			if (rc < 0)
				return rc;
			continue;
		}
		if (did <= 0)
			return did < 0 ? -errno : -EPIPE;
		while (m.msg_iovlen && (size_t)did >= m.msg_iov->iov_len) {
			did -= (ssize_t)m.msg_iov->iov_len;
			m.msg_iov++;
			m.msg_iovlen--;
		}
		if (m.msg_iovlen) {
			m.msg_iov->iov_base = (char *)m.msg_iov->iov_base + did;
			m.msg_iov->iov_len -= (size_t)did;
		}
	}
	return 0;
}

static int out(struct talk *t, const char *text, size_t n, uint64_t until)
{
	struct iovec v = { (void *)(uintptr_t)text, n };
	return outv(t, &v, 1, until);
}

/* What has come, as much as fits. > 0, or -errno. */
static ssize_t in(struct talk *t, struct iovec *v, size_t n, uint64_t until)
{
	struct msghdr m = { .msg_iov = v, .msg_iovlen = n };
	for (;;) {
		ssize_t got = recvmsg(t->fd, &m, 0);
		if (got > 0) {
			t->fresh = false;
			return got;
		}
		if (got == 0)
			return -ECONNRESET;
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		int rc = ready(t, POLLIN, until);
		if (rc < 0)
			return rc;
	}
}

/* The next line without its end, NUL terminated, valid until the next call. */
static int line(struct talk *t, char **text, uint64_t until)
{
	for (;;) {
		char *from = t->ahead + t->at, *end = memchr(from, '\n', t->have - t->at);
		if (end) {
			t->at = (uint32_t)(end + 1 - t->ahead);
			*(end > from && end[-1] == '\r' ? end - 1 : end) = 0;
			*text = from;
			return 0;
		}
		if (t->at) {
			memmove(t->ahead, from, t->have - t->at);
			t->have -= t->at;
			t->at = 0;
		}
		if (t->have == sizeof(t->ahead))
			return -EPROTO;
		struct iovec v = { t->ahead + t->have, sizeof(t->ahead) - t->have };
		ssize_t got = in(t, &v, 1, until);
		if (got < 0)
			return (int)got;
		t->have += (uint32_t)got;
	}
}

int talk_ask(struct talk *t, const char *key, uint32_t from, uint32_t n, uint64_t until)
{
	char text[8 + PARTS_AT_ONCE * (KEY_TEXT + 12)] = "get";
	int at = 3;
	for (uint32_t i = from; i < from + n && n <= PARTS_AT_ONCE; i++)
		at += snprintf(text + at, sizeof(text) - (size_t)at, " %.*s.%u", (int)KEY_TEXT - 1, key, i);
	memcpy(text + at, "\r\n", 2);
	t->between = false;
	return out(t, text, (size_t)at + 2, until);
}

int talk_next(struct talk *t, const char *key, uint32_t part, uint64_t *bytes, uint64_t until)
{
	char want[KEY_TEXT + 20], *s;
	unsigned long long size;
	int rc = t->left ? -EPROTO : line(t, &s, until);
	if (rc == 0 && t->between)         /* the end of the value before */
		rc = *s ? -EPROTO : line(t, &s, until);
	t->between = false;
	if (rc < 0)
		return rc;
	if (!strcmp(s, "END"))
		return 0;
	size_t n = (size_t)snprintf(want, sizeof(want), "VALUE %.*s.%u ", (int)KEY_TEXT - 1, key, part);
	if (strncmp(s, "VALUE ", 6))
		return -EPROTO;
	if (strncmp(s, want, n))
		return -ENOENT;
	if (sscanf(s + n, "%*u %llu", &size) != 1)
		return -EPROTO;
	t->left = *bytes = size;
	t->between = true;
	return 1;
}

int talk_read(struct talk *t, void *to, size_t n, uint64_t until)
{
	char *p = to;
	if (n > t->left)
		return -EPROTO;
	t->left -= n;
	size_t held = t->have - t->at < n ? t->have - t->at : n;
	memcpy(p, t->ahead + t->at, held);
	t->at += (uint32_t)held;
	for (p += held, n -= held; n;) {
		/* what follows it comes along */
		struct iovec v[2] = { { p, n }, { t->ahead, t->left ? 0 : sizeof(t->ahead) } };
		ssize_t got = in(t, v, 2, until);
		if (got < 0)
			return (int)got;
		size_t did = (size_t)got < n ? (size_t)got : n;
		p += did;
		n -= did;
		t->at = 0;
		t->have = (uint32_t)((size_t)got - did);
	}
	return 0;
}

int talk_put(struct talk *t, const char *key, uint32_t from, uint32_t n, const char *bytes, uint64_t of, bool anew, uint64_t until)
{
	char text[PARTS_AT_ONCE][KEY_TEXT + 60];
	struct iovec v[3 * PARTS_AT_ONCE];
	n = n < PARTS_AT_ONCE ? n : PARTS_AT_ONCE;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t size = part_bytes(of, from + i);
		int len = snprintf(text[i], sizeof(text[i]), "%s%s %.*s.%u 0 0 %u\r\n", i ? "\r\n" : "", anew ? "set" : "add", (int)KEY_TEXT - 1, key, from + i, size);
		v[2 * i] = (struct iovec){ text[i], (size_t)len };
		v[2 * i + 1] = (struct iovec){ (void *)(uintptr_t)bytes, size };
		bytes += size;
	}
	v[2 * n] = (struct iovec){ (void *)(uintptr_t)"\r\n", 2 };
	return outv(t, v, 2 * n + 1, until);
}

int talk_did(struct talk *t, uint64_t until)
{
	char *s;
	int rc = line(t, &s, until);
	if (rc < 0)
		return rc;
	if (!strcmp(s, "STORED"))
		return 1;
	if (!strcmp(s, "NOT_STORED") || !strcmp(s, "EXISTS"))
		return 0;
	if (strstr(s, "too large"))
		return -EFBIG;
	return strstr(s, "out of memory") || strstr(s, "Out of memory") ? -ENOSPC : -EPROTO;
}

int talk_delete(struct talk *t, const char *key, uint32_t part, uint64_t until)
{
	char text[KEY_TEXT + 40], *s;
	int rc, n = snprintf(text, sizeof(text), "delete %.*s.%u\r\n", (int)KEY_TEXT - 1, key, part);
	if ((rc = out(t, text, (size_t)n, until)) < 0 || (rc = line(t, &s, until)) < 0)
		return rc;
	return !strcmp(s, "DELETED") ? 1 : !strcmp(s, "NOT_FOUND") ? 0 : -EPROTO;
}

static void learn(struct server_stats *st, const char *name, const char *value)
{
	const struct { const char *name; uint64_t *to; } numbers[] = {
		{ "curr_items", &st->items }, { "bytes", &st->bytes }, { "limit_maxbytes", &st->limit }, { "evictions", &st->evictions },
		{ "pid", &st->pid }, { "item_size_max", &st->item_max }, { "time", &st->time },
	};
	for (size_t i = 0; i < sizeof(numbers) / sizeof(*numbers); i++)
		if (!strcmp(name, numbers[i].name))
			*numbers[i].to = strtoull(value, NULL, 10);
	if (!strcmp(name, "version"))
		snprintf(st->version, sizeof(st->version), "%.31s", value);
}

int talk_stats(struct talk *t, struct server_stats *st, bool settings, uint64_t until)
{
	memset(st, 0, sizeof(*st));
	for (int i = 0; i < (settings ? 2 : 1); i++) {
		const char *ask = i ? "stats settings\r\n" : "stats\r\n";
		char *s, name[64], value[64];
		int rc = out(t, ask, strlen(ask), until);
		if (rc < 0)
			return rc;
		while ((rc = line(t, &s, until)) == 0 && strcmp(s, "END")) {
			if (strncmp(s, "STAT ", 5))
				return -EPROTO;
			if (sscanf(s + 5, "%63s %63s", name, value) == 2)
				learn(st, name, value);
		}
		if (rc < 0)
			return rc;
	}
	return 0;
}
