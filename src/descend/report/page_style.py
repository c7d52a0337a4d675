"""page_style: the report's style sheet."""

STYLE = """
:root{--ink:#1d2126;--soft:#5b636d;--line:#dfe3e8;--page:#ffffff;--panel:#f6f7f9;--accent:#2187a8;--bad:#b3261e}
@media(prefers-color-scheme:dark){:root{--ink:#e6e9ed;--soft:#a2abb6;--line:#31373f;--page:#16191d;--panel:#1e2227;
--accent:#5fb9d6;--bad:#ff8a80}}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,sans-serif}
header,main{max-width:960px;margin:0 auto;padding:0 24px}
header{padding-top:40px}
header p{color:var(--soft);margin:0;font-size:14px;overflow-wrap:anywhere}
h1{font-size:30px;line-height:1.2;margin:4px 0 24px;font-weight:650;overflow-wrap:anywhere}
h2{font-size:19px;margin:0 0 12px;font-weight:650;overflow-wrap:anywhere}
section{padding:28px 0;border-top:1px solid var(--line)}
#verdict{border-top:4px solid var(--accent)}
#verdict.failed{border-top-color:var(--bad)}
#verdict.failed h2{color:var(--bad)}
.verdict{font-size:18px;margin:0 0 20px}
dl.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(160px,1fr));gap:16px;margin:0}
dl.numbers div{background:var(--panel);border-radius:8px;padding:12px 16px}
dt{color:var(--soft);font-size:14px}
dl.numbers dd{margin:2px 0 0;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}
dl.reproduce dd,dl.glossary dd{margin:0 0 10px}
.findings{padding-left:20px;margin:0}
.findings code{margin-left:8px}
code{font:13px/1.5 ui-monospace,monospace;background:var(--panel);border-radius:4px;padding:2px 6px;
white-space:pre-wrap;overflow-wrap:anywhere}
.table,.picture{overflow-x:auto}
table{border-collapse:collapse;font-size:14px;margin:8px 0 16px;min-width:320px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:6px}
th,td{text-align:left;padding:5px 20px 5px 0;border-bottom:1px solid var(--line);vertical-align:top;overflow-wrap:anywhere}
thead th{color:var(--soft);font-weight:500}
tbody th{font-weight:500}
figure{margin:0}
figcaption{color:var(--soft);margin-bottom:10px}
.picture svg{min-width:620px;height:auto;display:block}
details{margin-top:8px}
summary{cursor:pointer;color:var(--accent)}
.skip{position:absolute;left:-999px}
.skip:focus{left:16px;top:8px;background:var(--page);padding:8px}
@media print{body{font-size:12px}section{break-inside:avoid}details{display:none}.picture{overflow:visible}
.picture svg{min-width:0}}
"""
