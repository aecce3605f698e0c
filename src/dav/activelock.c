/* SPDX-License-Identifier: MIT */

#include "dav/activelock.h"

#include "base/escape.h"

void activelock_put(struct buf *out, const struct activelock *lock)
{
	buf_put_span(out, SPAN("<D:activelock><D:locktype><D:write/></D:locktype>"));
	buf_put_span(out, lock->is_shared
				  ? SPAN("<D:lockscope><D:shared/></D:lockscope>")
				  : SPAN("<D:lockscope><D:exclusive/></D:lockscope>"));
	buf_put_span(out, lock->is_deep ? SPAN("<D:depth>infinity</D:depth>")
					: SPAN("<D:depth>0</D:depth>"));
	buf_put_span(out, lock->owner);
	buf_put_span(out, SPAN("<D:timeout>Second-"));
	buf_put_u64(out, lock->left_sec);
	buf_put_span(out, SPAN("</D:timeout><D:locktoken><D:href>"));
	escape_markup(out, lock->token);
	buf_put_span(out, SPAN("</D:href></D:locktoken><D:lockroot><D:href>"));
	buf_put_span(out, lock->root);
	buf_put_span(out, SPAN("</D:href></D:lockroot></D:activelock>"));
}

void activelock_answer(struct buf *out, struct span elements)
{
	buf_put_span(out, SPAN("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n"
			       "<D:prop xmlns:D=\"DAV:\"><D:lockdiscovery>"));
	buf_put_span(out, elements);
	buf_put_span(out, SPAN("</D:lockdiscovery></D:prop>\n"));
}
