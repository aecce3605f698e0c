/* SPDX-License-Identifier: MIT */

#include "service/drive/ui/ui_text.h"

#include "base/date.h"
#include "base/util.h"

void ui_text_size(struct buf *out, uint64_t n_bytes)
{
	static const char units[] = "kMGTPE";
	uint64_t unit = 1000;
	size_t which = 0;

	if (n_bytes < 1000) {
		buf_put_u64(out, n_bytes);
		buf_put_span(out, SPAN(" B"));
		return;
	}
	/* 999.5 of one unit would be written as 1000 of it: it is one of the next. */
	while (which + 2 < sizeof(units) && n_bytes / (unit / 10) >= 9995) {
		unit *= 1000;
		which++;
	}

	uint64_t tenths = (n_bytes / (unit / 20) + 1) / 2;
	if (tenths < 100) {
		buf_put_u64(out, tenths / 10);
		buf_put_byte(out, '.');
		buf_put_byte(out, (char)('0' + tenths % 10));
	} else {
		buf_put_u64(out, (n_bytes / (unit / 2) + 1) / 2);
	}
	buf_put(out, (char[]){' ', units[which], 'B'}, 3);
}

void ui_text_number(struct buf *out, uint64_t n)
{
	char text[26]; /* twenty digits and six commas */
	size_t at = sizeof(text);

	for (unsigned i = 0; n || !i; i++, n /= 10) {
		if (i && i % 3 == 0)
			text[--at] = ',';
		text[--at] = (char)('0' + n % 10);
	}
	buf_put(out, text + at, sizeof(text) - at);
}

void ui_text_bytes(struct buf *out, uint64_t n_bytes)
{
	ui_text_number(out, n_bytes);
	buf_put_span(out, n_bytes == 1 ? SPAN(" byte") : SPAN(" bytes"));
}

void ui_text_date(struct buf *out, int64_t unix_sec)
{
	char iso[DATE_ISO_BYTES];

	date_iso(unix_sec, iso);
	iso[10] = ' ';
	buf_put(out, iso, sizeof("2026-11-21 01:51") - 1);
}

struct span ui_text_kind(struct span name)
{
	static const struct {
		struct span kind;
		const char *endings; /* each between two dots */
	} kinds[] = {
		{SPAN("image"),
			".jpg.jpeg.png.gif.webp.avif.svg.heic.tif.tiff.bmp.ico.raw.dng."},
		{SPAN("video"), ".mp4.mkv.webm.mov.avi.m4v.mpg.mpeg.ts.wmv."},
		{SPAN("audio"), ".mp3.flac.ogg.opus.m4a.wav.aac.mid.wma."},
		{SPAN("archive"), ".zip.gz.tar.tgz.xz.zst.bz2.7z.rar.iso.deb.rpm.jar.dmg."},
		{SPAN("text"), ".txt.md.pdf.doc.docx.odt.rtf.epub.tex.csv.xls.xlsx.ods.ppt."
			       "pptx.odp.log."},
		{SPAN("code"),
			".c.h.cc.cpp.hpp.py.js.ts.rs.go.java.sh.pl.rb.php.html.css.json."
			"xml.yml.yaml.toml.ini.sql.lua.diff.patch."},
	};
	char ending[8];
	size_t dot = name.n;

	while (dot && name.p[dot - 1] != '.')
		dot--;

	/* ".x." is what is looked for; a name that starts with its only dot has no ending.
	 */
	size_t n = name.n - dot;
	if (dot < 2 || !n || n + 3 > sizeof(ending))
		return SPAN("file");
	ending[0] = ending[n + 1] = '.';
	ending[n + 2] = '\0';
	for (size_t i = 0; i < n; i++) {
		char c = name.p[dot + i];

		ending[i + 1] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
	}
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		if (ending[1] && strstr(kinds[i].endings, ending))
			return kinds[i].kind;
	}
	return SPAN("file");
}
