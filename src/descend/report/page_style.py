"""page_style: the report's style sheet."""

STYLE = """
:root{color-scheme:light dark;--ink:light-dark(#1d2126,#e6e9ed);--soft:light-dark(#5b636d,#a2abb6);
--line:light-dark(#dfe3e8,#31373f);--page:light-dark(#ffffff,#16191d);--panel:light-dark(#f6f7f9,#1e2227);
--accent:light-dark(#1b7391,#5fb9d6);--bad:light-dark(#b3261e,#ff8a80)}
:root[data-theme=light]{color-scheme:light}
:root[data-theme=dark]{color-scheme:dark}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);font:16px/1.55 ui-sans-serif,system-ui,sans-serif;
-webkit-text-size-adjust:100%}
header,main{max-width:1200px;margin:0 auto;padding:0 24px}
header{padding-top:48px}
main{padding-bottom:64px}
header p{color:var(--soft);margin:0;font-size:14px;overflow-wrap:anywhere}
h1{font-size:30px;line-height:1.2;margin:6px 0 28px;font-weight:650;overflow-wrap:anywhere}
nav{display:flex;flex-wrap:wrap;gap:4px 18px;margin:-14px 0 20px;font-size:14px}
a,summary{color:var(--accent)}
h2{font-size:19px;line-height:1.3;margin:0 0 12px;font-weight:650;overflow-wrap:anywhere}
p,dd,dt{overflow-wrap:anywhere}
p,figcaption,.findings{max-width:80ch}
section{padding:36px 0;border-top:1px solid var(--line)}
#verdict{border-top:4px solid var(--accent)}
#verdict.failed{border-top-color:var(--bad)}
#verdict.failed h2{color:var(--bad)}
.verdict{font-size:18px;margin:0 0 20px}
section>p:last-child{margin-bottom:0}
dl{margin:0}
dl.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:16px}
dl.numbers div{min-width:0;background:var(--panel);border-radius:8px;padding:12px 16px}
dt{color:var(--soft);font-size:14px}
dd{margin:0}
dl.numbers dd{margin-top:2px;font-size:22px;font-weight:600;font-variant-numeric:tabular-nums}
dl.reproduce div,dl.glossary div{margin-bottom:12px}
.findings{padding-left:20px;margin:0}
.findings p{margin:0 0 6px}
pre{margin:4px 0 8px;background:var(--panel);border-radius:6px;padding:8px 12px;white-space:pre-wrap;
overflow-wrap:anywhere}
code{font:13px/1.5 ui-monospace,monospace}
.table{overflow-x:auto;margin:8px 0 20px}
.table:last-child{margin-bottom:0}
table{border-collapse:collapse;font-size:14px;min-width:320px;font-variant-numeric:tabular-nums}
caption{text-align:left;color:var(--soft);padding-bottom:6px}
th,td{text-align:left;padding:6px 24px 6px 0;border-bottom:1px solid var(--line);vertical-align:top;
overflow-wrap:anywhere;min-width:88px;max-width:480px}
th.n,td.n{text-align:right;white-space:nowrap;min-width:0}
th:last-child,td:last-child{padding-right:0}
thead th{color:var(--soft);font-weight:500}
tbody th{font-weight:500;min-width:112px}
th svg{vertical-align:-2px}
figure{margin:0}
figcaption{color:var(--soft);margin-bottom:16px;overflow-wrap:anywhere}
figure svg{display:block;width:100%;height:auto;color:var(--soft)}
.panels{display:grid;grid-template-columns:repeat(auto-fit,minmax(264px,1fr));gap:16px 8px}
.panels svg{max-width:420px}
.narrow,.printed{display:none}
.whole{white-space:nowrap}
details{margin-top:16px}
summary{cursor:pointer;font-size:14px}
.theme{font:inherit;font-size:14px;color:var(--accent);background:none;border:1px solid var(--line);border-radius:6px;
padding:2px 10px;margin-bottom:20px;cursor:pointer}
.controls{display:flex;flex-wrap:wrap;gap:6px 16px;font-size:14px;margin-bottom:8px}
.controls select{font:inherit;color:inherit;background:var(--panel);border:1px solid var(--line);border-radius:4px}
.controls svg{display:inline-block;width:14px;height:10px}
.reading{font-size:14px;color:var(--soft);font-variant-numeric:tabular-nums;min-height:3em;max-width:none}
.skip{position:absolute;left:-999px}
.skip:focus{left:16px;top:8px;background:var(--page);padding:8px}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
@media screen and (max-width:640px){.wide{display:none}.narrow{display:block}header,main{padding-left:16px;
padding-right:16px}header{padding-top:28px}h1{font-size:25px}section{padding:28px 0}table{font-size:12px}th,td{
padding-right:6px;min-width:64px}tbody th{min-width:88px}th.n,td.n{
white-space:normal;overflow-wrap:normal;min-width:0}}
@media print{:root,:root[data-theme=dark]{color-scheme:light}
body{font-size:12px}header{padding-top:0}section{padding:16px 0}figure,tr,dl div{break-inside:avoid}
h2{break-after:avoid}.panels{grid-template-columns:repeat(3,1fr)}details,.skip,nav,.theme,.controls,.reading,.drawn{display:none}
.printed{display:block}table{font-size:12px}.table{overflow:visible}}
"""
