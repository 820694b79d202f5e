"""One call of the control API in the languages that its callers write, ready to copy."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

_PYTHON = """\
import requests

made = requests.post({url}, json={body}).json()
print(made["access_token"], made["proof"])
"""
_TYPESCRIPT = """\
const answer = await fetch({url}, {{
  method: "POST",
  headers: {{ "Content-Type": "application/json" }},
  body: JSON.stringify({body}),
}});
const made = await answer.json();
console.log(made.access_token, made.proof);
"""
_CSHARP = '''\
using System.Net.Http.Json;
using System.Text.Json.Nodes;

using var http = new HttpClient();
var order = JsonNode.Parse("""
{body}
""");
var answer = await http.PostAsJsonAsync({url}, order);
var made = await answer.Content.ReadFromJsonAsync<JsonNode>();
Console.WriteLine($"{{made!["access_token"]}} {{made["proof"]}}");
'''
_JAVA = '''\
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;

var order = """
{body}
""";
var request = HttpRequest.newBuilder(URI.create({url}))
    .header("Content-Type", "application/json")
    .POST(HttpRequest.BodyPublishers.ofString(order))
    .build();
var made = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
System.out.println(made.body());
'''


def snippets(url: str, body: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """The POST of ``body`` to ``url``, by the name of a language."""
    compact = json.dumps(body)
    # Between three quotation marks none of three may stand, and no backslash counts for what it was.
    pretty = json.dumps(body, indent=2).replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    quoted = json.dumps(url)
    raw = json.dumps(body, indent=2).replace('"""', "\\u0022\\u0022\\u0022")
    header = "Content-Type: application/json"
    return (
        ("curl", " ".join(("curl -s", shlex.quote(url), "-H", shlex.quote(header), "-d", shlex.quote(compact)))),
        ("C#", _CSHARP.format(url=quoted, body=raw)),
        ("Java", _JAVA.format(url=quoted, body=pretty)),
        ("TypeScript", _TYPESCRIPT.format(url=quoted, body=compact)),
        ("Python", _PYTHON.format(url=quoted, body=repr(dict(body)))),
    )
