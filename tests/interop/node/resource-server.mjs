// A resource server by oauth4webapi: whether it takes each row of a matrix of test tokens.
// Reads {issuer, audience, url, rows: [{name, headers}]} from standard input, writes {name: why it was refused or ""}.
import * as oauth from 'oauth4webapi'

const input = JSON.parse(await new Response(process.stdin).text())
const issuer = new URL(input.issuer)
const insecure = { [oauth.allowInsecureRequests]: true }
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))

const seen = {}
for (const row of input.rows) {
  const request = new Request(input.url, { method: 'GET', headers: row.headers })
  try {
    await oauth.validateJwtAccessToken(as, request, input.audience, { ...insecure, requireDPoP: 'dpop' in row.headers })
    seen[row.name] = ''
  } catch (error) {
    seen[row.name] = error.message
  }
}
process.stdout.write(JSON.stringify(seen))
