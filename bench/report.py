# SPDX-License-Identifier: MIT
"""Numbers for people: lines for the terminal, a table for docs/BENCHMARKS.md."""
import pathlib


def cpu(us):
    return f"{us / 1e6:.3f} s" if us >= 1e5 else f"{us / 1e3:.2f} ms" if us >= 1e3 else f"{us:.1f} us"


def rate(per_second):
    return f"{per_second:,.0f}" if per_second >= 100 else f"{per_second:.2f}"


def figure(f):
    if f["verdict"] is None:
        return f"{f['text']}: not measured"
    how = ""
    if f["ours"] != f["peer"]:
        say = "{:.2f}".format if f["is_ratio"] else cpu
        median = f"ratio {f['median']:.2f}" if f["is_ratio"] else f"{cpu(f['median'])} of {cpu(f['bound'])}"
        how = f" ({median}, between {say(f['low'])} and {say(f['high'])} in {f['pairs']} rounds)"
    return f"{f['text']}: {f['verdict']}{how}"


def extras(m):
    known = {"cpu_us", "rate", "errors", "rounds", "p50_us", "p99_us"}
    return ", ".join(f"{key} {value:,.0f}" for key, value in m.items() if key not in known)


def text(result):
    lines = [f"\n{result['title']}, on {result['on']}"]
    for name, m in result["servers"].items():
        line = f"  {name:24} {cpu(m['cpu_us']):>10} CPU a {result['unit']}, {rate(m['rate']):>9}/s"
        if "p50_us" in m:
            line += f", p50 {cpu(m['p50_us'])}, p99 {cpu(m['p99_us'])}"
        if m["errors"]:
            line += f", {m['errors']} NOT ANSWERED RIGHT"
        lines.append(line + (f", {extras(m)}" if extras(m) else ""))
    lines += [f"  {name:24} {sentence.splitlines()[0]}" for name, sentence in result["failed"].items()]
    lines += [f"  figure: {figure(f)}" for f in result["figures"]]
    return "\n".join(lines)


def league(results):
    """One table of all faults: what each server lost, and refused in words, of how many; None if no fault was measured."""
    faults = [r for r in results["cases"] if r["case"].startswith("fault-")]
    if not faults:
        return None
    names = list(dict.fromkeys(name for r in faults for name in (*r["servers"], *r["failed"])))
    out = ["### Requests lost (and refused), by fault", "",
           "| | " + " | ".join(r["case"].removeprefix("fault-") for r in faults) + " |", "|---" * (len(faults) + 1) + "|"]
    for name in names:
        out.append(f"| {name} | " + " | ".join(_lost(r["servers"].get(name)) for r in faults) + " |")
    return "\n".join([*out, ""])


def _lost(m):
    if m is None:
        return "-"
    lost = m["lost, kept"] + m["lost, one each"]
    return f"{lost:,.0f}" + (f" ({m['refused']:,.0f})" if m["refused"] else "")


def markdown(results):
    m = results["machine"]
    out = [f"Commit {m['commit']}, {m['date']}; {m['cores']} cores of {m['cpu']}, Linux {m['kernel']}; {m['peers']}.", ""]
    if results["quick"]:
        out += ["**A quick run: it shows that the benchmark works, not how fast anything is.**", ""]
    for r in results["cases"]:
        out += [f"### {r['title']}, on {r['on']}", "",
                f"| server | workers | CPU a {r['unit']} | per second | p50 | p99 | wrong or broken | |",
                "|---|---|--:|--:|--:|--:|--:|---|"]
        for name, s in r["servers"].items():
            p50, p99 = (cpu(s[k]) if k in s else "" for k in ("p50_us", "p99_us"))
            out.append(f"| {name} | {r['workers'][name]} | {cpu(s['cpu_us'])} | {rate(s['rate'])} | {p50} | {p99} "
                       f"| {s['errors']} | {extras(s)} |")
        out += [f"| {name} | {r['workers'][name]} | | | | | | cannot: {sentence.splitlines()[0]} |"
                for name, sentence in r["failed"].items()]
        out += [""] + [f"- {figure(f)}" for f in r["figures"]] + [""]
    if table := league(results):
        out += [table]
    return "\n".join(out)


def into_docs(path, program, table):
    """Replaces what stands between the two marks of @program, which made it."""
    begin, end = f"<!-- {program}: table -->", f"<!-- {program}: end -->"
    page = pathlib.Path(path)
    before, _, rest = page.read_text(encoding="utf-8").partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n\n{table}\n{end}{after}", encoding="utf-8")
