// The FAPI 2.0 flow by openid-client: PAR, PKCE, DPoP, code, userinfo, a protected resource, refresh, introspection,
// revocation; nobody clicks. The library checks the ID token's signature and iss by itself.
// Reads {issuer, clientId, jwk, dpopAlg, scope, redirectUri, testPid} from standard input, writes what it saw to
// standard output.
import * as client from 'openid-client'
import * as jose from 'jose'

const input = JSON.parse(await new Response(process.stdin).text())
const { alg, kid } = input.jwk
const key = await jose.importJWK(input.jwk, alg)
const config = await client.discovery(
  new URL(input.issuer),
  input.clientId,
  { id_token_signed_response_alg: 'PS256' },
  client.PrivateKeyJwt({ key, kid }),
  { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
)
const keyPair = await client.randomDPoPKeyPair(input.dpopAlg)
const DPoP = client.getDPoPHandle(config, keyPair)

const codeVerifier = client.randomPKCECodeVerifier()
const state = client.randomState()
const nonce = client.randomNonce()
const authorize = await client.buildAuthorizationUrlWithPAR(config, {
  redirect_uri: input.redirectUri,
  scope: input.scope,
  code_challenge: await client.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  test_pid: input.testPid,
}, { DPoP })
const redirect = await fetch(authorize, { redirect: 'manual' })
const callback = new URL(redirect.headers.get('location'))
const checks = { pkceCodeVerifier: codeVerifier, expectedState: state, expectedNonce: nonce, idTokenExpected: true }
const tokens = await client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP })
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })

const resource = new URL('/mock/resource', input.issuer)
const call = async (token, options) => {
  try {
    return (await client.fetchProtectedResource(config, token, resource, 'GET', null, undefined, options)).status
  } catch (error) {
    return error.status
  }
}
const told = await call(tokens.access_token, { DPoP })
const asBearer = await call(tokens.access_token)

const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
const introspected = await client.tokenIntrospection(config, refreshed.access_token)
await client.tokenRevocation(config, refreshed.refresh_token)
const after = await client.tokenIntrospection(config, refreshed.refresh_token)
const error = async (promise) => {
  try {
    await promise
  } catch (refusal) {
    return refusal.error
  }
  return null
}
const revoked = await error(client.refreshTokenGrant(config, refreshed.refresh_token, undefined, { DPoP }))
const reuse = await error(client.authorizationCodeGrant(config, callback, checks, undefined, { DPoP }))

console.log(JSON.stringify({
  authorizeParameters: [...authorize.searchParams.keys()].sort(),
  idTokenHeader: jose.decodeProtectedHeader(tokens.id_token),
  subject: claims.sub,
  userinfoSubject: userinfo.sub,
  thumbprint: await jose.calculateJwkThumbprint(await jose.exportJWK(keyPair.publicKey)),
  bound: jose.decodeJwt(tokens.access_token).cnf.jkt,
  tokenType: tokens.token_type,
  told,
  asBearer,
  rotated: (refreshed.refresh_token ?? tokens.refresh_token) !== tokens.refresh_token,
  introspected: { active: introspected.active, clientId: introspected.client_id, sub: introspected.sub },
  after,
  revoked,
  reuse,
  afterReuse: await call(tokens.access_token, { DPoP }),
}))
