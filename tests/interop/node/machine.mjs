// client_credentials with DPoP by openid-client, and what a resource server then checks, by jose.
// Reads {issuer, clientId, jwk, scope} from standard input, writes what it saw to standard output.
import * as client from 'openid-client'
import * as jose from 'jose'

const input = JSON.parse(await new Response(process.stdin).text())
const { alg, kid } = input.jwk
const key = await jose.importJWK(input.jwk, alg)

const challenges = []
const watchingFetch = async (url, options) => {
  const response = await fetch(url, options)
  const nonce = response.headers.get('dpop-nonce')
  if (nonce) challenges.push({ status: response.status, body: await response.clone().json() })
  return response
}

const config = await client.discovery(
  new URL(input.issuer),
  input.clientId,
  undefined,
  client.PrivateKeyJwt({ key, kid }),
  { execute: [client.allowInsecureRequests], [client.customFetch]: watchingFetch },
)
config[client.customFetch] = watchingFetch

const keyPair = await client.randomDPoPKeyPair('ES256')
const DPoP = client.getDPoPHandle(config, keyPair)
const tokens = await client.clientCredentialsGrant(config, { scope: input.scope }, { DPoP })
const again = await client.clientCredentialsGrant(config, { scope: input.scope }, { DPoP })

const metadata = config.serverMetadata()
const keys = jose.createRemoteJWKSet(new URL(metadata.jwks_uri))
const verified = await jose.jwtVerify(tokens.access_token, keys, {
  issuer: metadata.issuer,
  typ: 'at+jwt',
  algorithms: metadata.id_token_signing_alg_values_supported,
})

let refusal = null
try {
  await client.clientCredentialsGrant(config, { scope: 'not:registered/scope' }, { DPoP })
} catch (error) {
  refusal = { error: error.error, status: error.status, description: error.error_description ?? null }
}

console.log(JSON.stringify({
  challenges,
  tokenType: tokens.token_type,
  expiresIn: tokens.expires_in,
  scope: tokens.scope,
  members: Object.keys(tokens).sort(),
  header: verified.protectedHeader,
  claims: verified.payload,
  thumbprint: await jose.calculateJwkThumbprint(await jose.exportJWK(keyPair.publicKey)),
  differs: again.access_token !== tokens.access_token,
  refusal,
}))
