// What openid-client says of metadata, by itself: nothing goes over the network.
// Reads [{authority, metadata}] from standard input, writes one line of refusal, or null, for each to standard output.
import * as client from 'openid-client'

const verdicts = []
for (const { authority, metadata } of JSON.parse(await new Response(process.stdin).text())) {
  const answer = async () => new Response(JSON.stringify(metadata), { headers: { 'content-type': 'application/json' } })
  try {
    const config = await client.discovery(new URL(authority), 'some-client', undefined, client.None(), {
      [client.customFetch]: answer,
    })
    // Addresses are looked at when they are used.
    config[client.customFetch] = async () => Response.json({ access_token: 'x', token_type: 'bearer' })
    await client.clientCredentialsGrant(config)
    verdicts.push(null)
  } catch (error) {
    verdicts.push(`${error.message}: ${error.cause?.message ?? ''}`)
  }
}
console.log(JSON.stringify(verdicts))
