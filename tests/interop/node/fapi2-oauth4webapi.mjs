// The same flow as in fapi2.mjs by oauth4webapi, step by step, each answer judged by the library.
// Reads {issuer, clientId, jwk, dpopAlg, scope, redirectUri, testPid} from standard input, writes what it saw to
// standard output.
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'

const input = JSON.parse(await new Response(process.stdin).text())
const { alg, kid } = input.jwk
const key = await jose.importJWK(input.jwk, alg)
const insecure = { [oauth.allowInsecureRequests]: true }
const issuer = new URL(input.issuer)
const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
// The address of RFC 8414.
const oauth2 = { ...insecure, algorithm: 'oauth2' }
const same = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, oauth2))
if (JSON.stringify(same) !== JSON.stringify(as)) throw new Error('two addresses, two documents')
const client = { client_id: input.clientId, id_token_signed_response_alg: 'PS256' }
const clientAuth = oauth.PrivateKeyJwt({ key, kid })
const keyPair = await oauth.generateKeyPair(input.dpopAlg)
const DPoP = oauth.DPoP(client, keyPair)
const options = { DPoP, ...insecure }

let challenges = 0
const step = async (request, process) => {
  try {
    return await process(await request())
  } catch (error) {
    if (!oauth.isDPoPNonceError(error)) throw error
    challenges += 1
    return await process(await request())
  }
}

const codeVerifier = oauth.generateRandomCodeVerifier()
const state = oauth.generateRandomState()
const nonce = oauth.generateRandomNonce()
const parameters = {
  client_id: client.client_id,
  response_type: 'code',
  redirect_uri: input.redirectUri,
  scope: input.scope,
  code_challenge: await oauth.calculatePKCECodeChallenge(codeVerifier),
  code_challenge_method: 'S256',
  state,
  nonce,
  test_pid: input.testPid,
}
const pushed = await step(
  () => oauth.pushedAuthorizationRequest(as, client, clientAuth, parameters, options),
  (response) => oauth.processPushedAuthorizationResponse(as, client, response),
)
const authorize = new URL(as.authorization_endpoint)
authorize.searchParams.set('client_id', client.client_id)
authorize.searchParams.set('request_uri', pushed.request_uri)
const redirect = await fetch(authorize, { redirect: 'manual' })
const callback = oauth.validateAuthResponse(as, client, new URL(redirect.headers.get('location')), state)

const redeem = () => step(
  () => oauth.authorizationCodeGrantRequest(as, client, clientAuth, callback, input.redirectUri, codeVerifier, options),
  async (response) => {
    const result = await oauth.processAuthorizationCodeResponse(as, client, response, {
      expectedNonce: nonce,
      requireIdToken: true,
    })
    await oauth.validateApplicationLevelSignature(as, response, insecure)
    return result
  },
)
const tokens = await redeem()
const claims = oauth.getValidatedIdTokenClaims(tokens)
const userinfo = await step(
  () => oauth.userInfoRequest(as, client, tokens.access_token, options),
  (response) => oauth.processUserInfoResponse(as, client, claims.sub, response),
)

const resource = new URL('/mock/resource', input.issuer)
const call = async (token, how) => {
  try {
    return (await oauth.protectedResourceRequest(token, 'GET', resource, undefined, null, how)).status
  } catch (error) {
    return error.status
  }
}
const told = await call(tokens.access_token, options)
const asBearer = await call(tokens.access_token, insecure)

const refresh = (token) => step(
  () => oauth.refreshTokenGrantRequest(as, client, clientAuth, token, options),
  (response) => oauth.processRefreshTokenResponse(as, client, response),
)
const introspect = async (token) => oauth.processIntrospectionResponse(
  as, client, await oauth.introspectionRequest(as, client, clientAuth, token, insecure),
)
const refreshed = await refresh(tokens.refresh_token)
const introspected = await introspect(refreshed.access_token)
await oauth.processRevocationResponse(
  await oauth.revocationRequest(as, client, clientAuth, tokens.refresh_token, insecure),
)
const after = await introspect(tokens.refresh_token)
const error = async (promise) => {
  try {
    await promise
  } catch (refusal) {
    return refusal.error
  }
  return null
}
const revoked = await error(refresh(tokens.refresh_token))
const reuse = await error(redeem())

console.log(JSON.stringify({
  challenges,
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
  afterReuse: await call(tokens.access_token, options),
}))
