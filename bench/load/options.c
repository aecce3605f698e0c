/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "base/num.h"
#include "base/util.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static const char usage[] =
	"usage: load [OPTIONS] ADDRESS PORT     (ADDRESS: a loopback address, in numbers)\n"
	"  -c N         connections (1)\n"
	"  -n N         requests altogether (no limit)\n"
	"  -t TIME      begin none after so long (10s)\n"
	"  -T TIME      a request may take so long (10s)\n"
	"  -m METHOD    (GET)\n"
	"  -p PATH      (/); %c in it becomes the connection's number, %n the request's\n"
	"  -P PATH      every hundredth request asks for this instead\n"
	"  -H FIELD     a field of the head, \"Name: value\"; may be repeated\n"
	"  -b SIZE      send a body of that size (4K, 1G)\n"
	"  -B FILE      send what the file holds\n"
	"  -k           send it chunked\n"
	"  -e FILE      an answer is right only if its body is what the file holds\n"
	"  -E SIZE      ... if its body is so long\n"
	"  -1           a new connection for every request (Connection: close)\n"
	"  --hold       one request on each connection, then keep them all idle: print\n"
	"               \"held\"; at the end of standard input a second request on each\n"
	"  --raw        no HTTP: send nothing; the answer is all that comes up to the end\n"
	"\n"
	"Prints one JSON object: how many requests were answered right, refused right\n"
	"(503 with Retry-After), answered wrong (by status), or broken and how; and how\n"
	"long the right ones took.\n";

static const struct option long_options[] = {
	{"hold", no_argument, NULL, 'h'}, {"raw", no_argument, NULL, 'r'}, {0}};

[[gnu::noreturn]] static void wrong(const char *what)
{
	(void)fprintf(stderr, "load: %s\n\n%s", what, usage);
	exit(2);
}

static uint64_t number(const char *text)
{
	uint64_t n;

	if (!num_u64(span_str(text), &n))
		wrong("that is not a number");
	return n;
}

static uint64_t bytes(const char *text)
{
	uint64_t n;

	if (!num_bytes(span_str(text), &n))
		wrong("that is not a size");
	return n;
}

static uint64_t duration(const char *text)
{
	uint64_t ns;

	if (!num_duration_ns(span_str(text), &ns))
		wrong("that is not a duration");
	return ns;
}

static void add_field(struct options *o, const char *field)
{
	size_t n = strlen(o->fields);
	size_t room = sizeof(o->fields) - n;

	if ((size_t)snprintf(o->fields + n, room, "%s\r\n", field) >= room)
		wrong("too many fields");
}

/* The file is mapped for as long as the program runs. */
static struct span map(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) < 0)
		wrong("that file cannot be read");
	void *p = mmap(NULL, (size_t)MAX(st.st_size, 1), PROT_READ, MAP_PRIVATE, fd, 0);
	if (p == MAP_FAILED)
		wrong("that file cannot be mapped");
	(void)close(fd);
	return span_of(p, (size_t)st.st_size);
}

/* Only ever the machine we are on: this program makes more traffic than a stranger wants.
 */
static void read_address(struct options *o, const char *host, const char *port)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&o->to;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&o->to;
	uint64_t n = number(port);

	if (n == 0 || n > UINT16_MAX)
		wrong("that is not a port");
	if (inet_pton(AF_INET, host, &in->sin_addr) == 1
		&& ntohl(in->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)n);
		o->n_to = sizeof(*in);
		(void)snprintf(o->host, sizeof(o->host), "%s:%s", host, port);
	} else if (inet_pton(AF_INET6, host, &in6->sin6_addr) == 1
		   && IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr)) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)n);
		o->n_to = sizeof(*in6);
		(void)snprintf(o->host, sizeof(o->host), "[%s]:%s", host, port);
	} else {
		wrong("that is not a loopback address");
	}
}

static void read_option(struct options *o, int option, const char *value)
{
	switch (option) {
	case 'c':
		o->n_connections = (unsigned)MIN(number(value), OPTIONS_CONNECTIONS);
		break;
	case 'n': o->n_requests = number(value); break;
	case 't': o->for_ns = duration(value); break;
	case 'T': o->timeout_ns = duration(value); break;
	case 'm': o->method = value; break;
	case 'p': o->path = value; break;
	case 'P': o->rare_path = value; break;
	case 'H': add_field(o, value); break;
	case 'b': o->n_body = bytes(value); break;
	case 'B': o->body = map(value); break;
	case 'k': o->chunked = true; break;
	case 'e': o->expect = map(value); break;
	case 'E': o->expect_bytes = bytes(value); break;
	case '1': o->one_each = true; break;
	case 'h': o->hold = true; break;
	case 'r': o->raw = true; break;
	default: wrong("no such option"); break;
	}
}

void options_read(struct options *o, int argc, char **argv)
{
	int option;

	*o = (struct options){
		.method = "GET",
		.path = "/",
		.n_connections = 1,
		.for_ns = 10 * NS_PER_SEC,
		.timeout_ns = 10 * NS_PER_SEC,
		.expect_bytes = UINT64_MAX,
	};
	while ((option = getopt_long(
			argc, argv, "c:n:t:T:m:p:P:H:b:B:ke:E:1", long_options, NULL))
		!= -1)
		read_option(o, option, optarg);
	if (argc - optind != 2)
		wrong("say an address and a port");
	read_address(o, argv[optind], argv[optind + 1]);
	if (o->one_each)
		add_field(o, "Connection: close");
	if (o->expect.p)
		o->expect_bytes = o->expect.n;
	if (o->body.p)
		o->n_body = o->body.n;
	if (o->n_connections == 0)
		wrong("no connections, no load");
}
