"""The OpenAPI document as one page of HTML: nothing else is loaded, nothing runs in it."""

import json
import re
from html import escape

_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8882; --link: #0b62c4 }
* { box-sizing: border-box }
body { font: 16px/1.5 system-ui, sans-serif; margin: 0 auto; max-width: 54rem; padding: 1rem 1rem 4rem }
h1 { margin: .5rem 0 0 } h2 { margin: 3rem 0 .5rem; overflow-wrap: anywhere; font-size: 1.2rem }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem }
code, pre { font-family: ui-monospace, monospace; font-size: .9em }
code { background: var(--soft); border-radius: 3px; padding: .1em .3em; overflow-wrap: anywhere }
pre { background: var(--soft); border-radius: 6px; margin: .3rem 0; padding: .7rem; white-space: pre-wrap;
      overflow-wrap: anywhere }
table { border-collapse: collapse; width: 100% }
td, th { border-top: 1px solid var(--line); padding: .35rem .6rem .35rem 0; text-align: left; vertical-align: top }
td:first-child { white-space: nowrap }
nav ul { columns: 18rem; list-style: none; padding: 0 } nav li { break-inside: avoid; padding: .15rem 0 }
a { color: var(--link) } @media (prefers-color-scheme: dark) { :root { --link: #7ab8ff } }
.method { border-radius: 4px; color: #fff; display: inline-block; font: bold .75rem ui-monospace, monospace;
          padding: .25em 0; text-align: center; width: 4.5em; margin-right: .4em }
.get { background: #0b62c4 } .post { background: #197a3e } .delete { background: #b3261e }
@media (max-width: 36rem) {
  td, th { display: block; border: 0; padding: .1rem 0 } tr { border-top: 1px solid var(--line); display: block;
  padding: .4rem 0 } thead { display: none } td:first-child { white-space: normal }
}
"""


def rendered(document):
    """Return the page of an OpenAPI document that says what it has to say by `$ref` or in place."""
    operations = [
        (path, method, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    info = document["info"]
    parts = [
        f"<h1>{escape(info['title'])}</h1>",
        f"<p>Version {escape(info['version'])} · <a href='openapi.json'>OpenAPI</a></p>",
        *(f"<p>{_text(paragraph)}</p>" for paragraph in info["description"].split("\n\n")),
        "<nav><ul>",
        *(
            f"<li>{_badge(method)}<a href='#{_anchor(path, method)}'>{escape(path)}</a></li>"
            for path, method, _ in operations
        ),
        "</ul></nav>",
        *(_operation(document, *operation) for operation in operations),
    ]
    return (
        "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        f"<title>{escape(info['title'])}</title><style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>\n"
    )


def _operation(document, path, method, operation):
    parts = [
        f"<h2 id='{_anchor(path, method)}'>{_badge(method)}{escape(path)}</h2><p>{_text(operation['summary'])}.</p>"
    ]
    if parameters := [_resolved(document, parameter) for parameter in operation["parameters"]]:
        parts.append(_table("Parameters", [_parameter(document, parameter) for parameter in parameters]))
    body = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if body:
        parts.append(f"<h3>Body</h3>{_example(body)}")
    rows = []
    for status, given in operation["responses"].items():
        response = _resolved(document, given)
        rows.append((f"<code>{status}</code>", f"{_text(response['description'])}{_content(response)}"))
    parts.append(_table("Answers", rows))
    return "".join(parts)


def _parameter(document, parameter):
    schema = _resolved(document, parameter["schema"])
    form = schema.get("description") or _bounds(schema)
    place = f"{parameter['in']}{', required' if parameter.get('required') else ''}"
    description = " ".join(filter(None, [parameter.get("description"), form]))
    return f"<code>{escape(parameter['name'])}</code> ({place})", _text(description)


def _bounds(schema):
    if "minimum" in schema:
        return f"{schema['minimum']} to {schema['maximum']}, {schema['default']} unless said."
    return f"Matches `{schema['pattern']}`." if "pattern" in schema else ""


def _content(response):
    """The example of an answer, or the codes of an error."""
    parts = []
    for content_type, content in response.get("content", {}).items():
        if "example" in content:
            parts.append(f"<br>{escape(content_type)}:{_example(content)}")
        for part in content["schema"].get("allOf", []):
            codes = part.get("properties", {}).get("error", {}).get("properties", {}).get("code", {}).get("enum", [])
            parts.extend(f" <code>{escape(code)}</code>" for code in codes)
    return "".join(parts)


def _example(content):
    example = content["example"]
    text = example if isinstance(example, str) else json.dumps(example, indent=2, ensure_ascii=False)
    return f"<pre>{escape(text)}</pre>"


def _table(title, rows):
    cells = "".join(f"<tr><td>{left}</td><td>{right}</td></tr>" for left, right in rows)
    return f"<h3>{title}</h3><table><tbody>{cells}</tbody></table>"


def _resolved(document, part):
    if "$ref" not in part:
        return part
    for key in part["$ref"].removeprefix("#/").split("/"):
        document = document[key]
    return document


def _text(text):
    """Escaped, with what stands in backquotes as code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))


def _badge(method):
    return f"<span class='method {method}'>{method.upper()}</span>"


def _anchor(path, method):
    return f"{method}{re.sub('[^a-z.]', '-', path)}"
