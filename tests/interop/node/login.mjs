// A login by openid-client: PAR, PKCE, DPoP, code, userinfo, refresh, end session; nobody clicks. http needs an option.
// Reads {issuer, clientId, jwk, scope, redirectUri, testPid} from standard input, writes what it saw to standard output.
import * as client from 'openid-client'
import * as jose from 'jose'

const input = JSON.parse(await new Response(process.stdin).text())
const { alg, kid } = input.jwk
const key = await jose.importJWK(input.jwk, alg)
const issuer = new URL(input.issuer)
const config = await client.discovery(
  issuer,
  input.clientId,
  undefined,
  client.PrivateKeyJwt({ key, kid }),
  { execute: issuer.protocol === 'http:' ? [client.allowInsecureRequests] : [] },
)
const keyPair = await client.randomDPoPKeyPair('ES256')
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
  acr_values: 'idp:testidp-oidc',
  test_pid: input.testPid,
}, { DPoP })

const redirect = await fetch(authorize, { redirect: 'manual' })
const callback = new URL(redirect.headers.get('location'))
const tokens = await client.authorizationCodeGrant(config, callback, {
  pkceCodeVerifier: codeVerifier,
  expectedState: state,
  expectedNonce: nonce,
  idTokenExpected: true,
}, undefined, { DPoP })
const claims = tokens.claims()
const userinfo = await client.fetchUserInfo(config, tokens.access_token, claims.sub, { DPoP })
const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
let reuse = null
try {
  await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
} catch (error) {
  reuse = error.error
}
const logout = client.buildEndSessionUrl(config, {
  id_token_hint: tokens.id_token,
  post_logout_redirect_uri: input.postLogoutRedirectUri,
  state: 'bye',
})
const loggedOut = await fetch(logout, {
  redirect: 'manual',
  headers: { cookie: redirect.headers.getSetCookie().map((cookie) => cookie.split(';')[0]).join('; ') },
})
console.log(JSON.stringify({
  authorizeParameters: [...authorize.searchParams.keys()].sort(),
  status: redirect.status,
  callbackParameters: [...callback.searchParams.keys()],
  claims,
  userinfo,
  tokenType: tokens.token_type,
  rotated: refreshed.refresh_token !== tokens.refresh_token,
  refreshedSubject: refreshed.claims().sub,
  rtExpiresIn: refreshed.rt_expires_in,
  reuse,
  logout: loggedOut.headers.get('location'),
}))
