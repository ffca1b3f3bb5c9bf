/* list.c - a pool's servers by name, their addresses, and which is whose home. See wire.h. */
#include "wire.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int bad(char why[160], const char *what, const char *one, size_t len)
{
	snprintf(why, 160, "'%.*s' %s", len < 80 ? (int)len : 80, one, what);
	return -1;
}

/* One host[:port] of len bytes. */
static int parse(const char *one, size_t len, struct server *s, char why[160])
{
	const char *host = one, *port = NULL, *end = one + len, *colon = memchr(one, ':', len);
	size_t n = len;
	bool six = false;
	if (*one == '[') {
		const char *close = memchr(one, ']', len);
		if (!close || (close + 1 < end && close[1] != ':'))
			return bad(why, "is no host[:port]; an IPv6 address goes in brackets", one, len);
		host = one + 1;
		n = (size_t)(close - host);
		port = close + 1 < end ? close + 2 : NULL;
		six = true;
	} else if (colon) {
		if (memchr(colon + 1, ':', (size_t)(end - colon - 1)))
			return bad(why, "is no host[:port]; an IPv6 address goes in brackets", one, len);
		n = (size_t)(colon - one);
		port = colon + 1;
	}
	unsigned long number = SERVER_PORT;
	if (port) {
		size_t digits = (size_t)(end - port);
		number = digits && digits < 6 && strspn(port, "0123456789") >= digits ? strtoul(port, NULL, 10) : 0;
		if (!number || number > 65535)
			return bad(why, "has no port of 1 to 65535", one, len);
	}
	if (!n || n > SERVER_NAME - 10)
		return bad(why, n ? "is too long a name" : "has no host", one, len);
	for (size_t i = 0; i < n; i++)
		if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_%", host[i]) && !(six && host[i] == ':'))
			return bad(why, "is no host[:port]", one, len);
	memset(s, 0, sizeof(*s));
	memcpy(s->host, host, n);
	s->port = (uint16_t)number;
	snprintf(s->name, sizeof(s->name), six ? "[%.69s]:%u" : "%.71s:%u", s->host, s->port);
	return 0;
}

int servers_parse(const char *list, struct server *s, char why[160])
{
	uint32_t n = 0;
	for (const char *p = list; *p;) {
		size_t len = strcspn(p, ", \t\n");
		if (len) {
			struct server one;
			bool twice = false;
			if (parse(p, len, &one, why) < 0)
				return -1;
			for (uint32_t i = 0; i < n; i++)
				twice |= !strcmp(s[i].name, one.name);
			if (!twice && n == SERVERS_MAX) {
				snprintf(why, 160, "more than %u servers", SERVERS_MAX);
				return -1;
			}
			if (!twice)
				s[n++] = one;
		}
		p += len + (p[len] != 0);
	}
	if (!n)
		snprintf(why, 160, "no server in it; use e.g. node1,node2:11311");
	return n ? (int)n : -1;
}

int server_resolve(struct server *s)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG }, *found;
	char port[8];
	snprintf(port, sizeof(port), "%u", s->port);
	if (strspn(s->host, "0123456789.:abcdefABCDEF") == strlen(s->host))
		hints.ai_flags = 0;        /* an address is one whether or not a network is up */
	int rc = getaddrinfo(s->host, port, &hints, &found);
	if (rc || !found)
		return rc == EAI_SYSTEM ? -errno : rc == EAI_MEMORY ? -ENOMEM : -EHOSTUNREACH;
	const struct addrinfo *a = found;
	for (const struct addrinfo *i = found; i; i = i->ai_next)
		if (i->ai_family == AF_INET) {
			a = i;
			break;
		}
	s->at_bytes = a->ai_addrlen;
	memcpy(&s->at, a->ai_addr, a->ai_addrlen);
	freeaddrinfo(found);
	return 0;
}

/* The address alone, as 16 bytes. */
static bool address(const struct sockaddr *a, uint8_t to[16])
{
	memset(to, 0, 16);
	if (a && a->sa_family == AF_INET) {
		memcpy(to, "\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
		memcpy(to + 12, &((const struct sockaddr_in *)(const void *)a)->sin_addr, 4);
	} else if (a && a->sa_family == AF_INET6) {
		memcpy(to, &((const struct sockaddr_in6 *)(const void *)a)->sin6_addr, 16);
	} else {
		return false;
	}
	return true;
}

bool server_is_here(const struct server *s)
{
	uint8_t want[16], is[16];
	struct ifaddrs *all;
	bool here = false;
	if (!s->at_bytes || !address((const struct sockaddr *)&s->at, want) || getifaddrs(&all) < 0)
		return false;
	for (const struct ifaddrs *i = all; i && !here; i = i->ifa_next)
		here = address(i->ifa_addr, is) && !memcmp(want, is, 16);
	freeifaddrs(all);
	return here || server_is_loopback(s);
}

bool server_is_loopback(const struct server *s)
{
	uint8_t is[16];
	static const uint8_t one[16] = { [15] = 1 };
	return s->at_bytes && address((const struct sockaddr *)&s->at, is) && (!memcmp(is, one, 16) || (!memcmp(is, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x7f", 13)));
}

bool server_is_any(const struct server *s)
{
	uint8_t is[16];
	static const uint8_t four[16] = { [10] = 0xff, [11] = 0xff }, six[16];
	return s->at_bytes && address((const struct sockaddr *)&s->at, is) && (!memcmp(is, four, 16) || !memcmp(is, six, 16));
}

/* Rendezvous hashing: who has lost a server asks for its keys where they would be without it, and for no other elsewhere. */
uint64_t server_suits(const struct server *s, const char *key)
{
	uint64_t v = 0xCBF29CE484222325ull;
	for (const char *p = s->name; *p; p++)
		v = (v ^ (uint8_t)*p) * 0x100000001B3ull;
	v = (v ^ 0xff) * 0x100000001B3ull;
	for (const char *p = key; *p; p++)
		v = (v ^ (uint8_t)*p) * 0x100000001B3ull;
	v = (v ^ v >> 33) * 0xFF51AFD7ED558CCDull;   /* FNV alone hardly stirs the high bits */
	v = (v ^ v >> 33) * 0xC4CEB9FE1A85EC53ull;
	return v ^ v >> 33;
}
