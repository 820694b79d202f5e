// Logins by openid-client and by oauth4webapi, each with something that goes wrong: where each of them stops, and why.
// Reads {issuer, clientId, jwk, scope, redirectUri, testPid, control, provocations: [{name, rule}]} from standard input,
// writes {library: {name: "" for a login that goes on to its end, else step and error}} to standard output.
import * as client from 'openid-client'
import * as oauth from 'oauth4webapi'
import * as jose from 'jose'

const input = JSON.parse(await new Response(process.stdin).text())
const { alg, kid } = input.jwk
const key = await jose.importJWK(input.jwk, alg)
const issuer = new URL(input.issuer)

const steer = (method, path, body) => fetch(`${input.control}${path}`, {
  method,
  headers: { 'content-type': 'application/json' },
  body: body === undefined ? undefined : JSON.stringify(body),
})

const byOpenidClient = async (at) => {
  at('discovery')
  const config = await client.discovery(issuer, input.clientId, undefined, client.PrivateKeyJwt({ key, kid }), {
    execute: [client.allowInsecureRequests],
  })
  // Signatures of ID tokens are checked on request: those of the token endpoint come by TLS.
  client.enableNonRepudiationChecks(config)
  const DPoP = client.getDPoPHandle(config, await client.randomDPoPKeyPair('ES256'))
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const expectedState = client.randomState()
  const expectedNonce = client.randomNonce()
  at('par')
  const authorize = await client.buildAuthorizationUrlWithPAR(config, {
    redirect_uri: input.redirectUri,
    scope: input.scope,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state: expectedState,
    nonce: expectedNonce,
    test_pid: input.testPid,
  }, { DPoP })
  at('authorize')
  const callback = new URL((await fetch(authorize, { redirect: 'manual' })).headers.get('location'))
  at('token')
  const tokens = await client.authorizationCodeGrant(config, callback, {
    pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true,
  }, undefined, { DPoP })
  at('userinfo')
  await client.fetchUserInfo(config, tokens.access_token, tokens.claims().sub, { DPoP })
  at('refresh')
  await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP })
}

const byOauth4webapi = async (at) => {
  const insecure = { [oauth.allowInsecureRequests]: true }
  at('discovery')
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  const one = { client_id: input.clientId }
  const clientAuth = oauth.PrivateKeyJwt({ key, kid })
  const options = { DPoP: oauth.DPoP(one, await oauth.generateKeyPair('ES256')), ...insecure }
  const step = async (request, judge) => {
    try {
      return await judge(await request())
    } catch (error) {
      if (!oauth.isDPoPNonceError(error)) throw error
      return await judge(await request())
    }
  }
  const verifier = oauth.generateRandomCodeVerifier()
  const state = oauth.generateRandomState()
  const nonce = oauth.generateRandomNonce()
  at('par')
  const pushed = await step(
    async () => oauth.pushedAuthorizationRequest(as, one, clientAuth, {
      client_id: one.client_id,
      response_type: 'code',
      redirect_uri: input.redirectUri,
      scope: input.scope,
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      nonce,
      test_pid: input.testPid,
    }, options),
    (response) => oauth.processPushedAuthorizationResponse(as, one, response),
  )
  const authorize = new URL(as.authorization_endpoint)
  authorize.searchParams.set('client_id', one.client_id)
  authorize.searchParams.set('request_uri', pushed.request_uri)
  at('authorize')
  const redirect = await fetch(authorize, { redirect: 'manual' })
  const callback = oauth.validateAuthResponse(as, one, new URL(redirect.headers.get('location')), state)
  at('token')
  const tokens = await step(
    () => oauth.authorizationCodeGrantRequest(as, one, clientAuth, callback, input.redirectUri, verifier, options),
    async (response) => {
      const result = await oauth.processAuthorizationCodeResponse(as, one, response, {
        expectedNonce: nonce, requireIdToken: true,
      })
      await oauth.validateApplicationLevelSignature(as, response, insecure)
      return result
    },
  )
  at('userinfo')
  await step(
    () => oauth.userInfoRequest(as, one, tokens.access_token, options),
    (response) => oauth.processUserInfoResponse(as, one, oauth.getValidatedIdTokenClaims(tokens).sub, response),
  )
  at('refresh')
  await step(
    () => oauth.refreshTokenGrantRequest(as, one, clientAuth, tokens.refresh_token, options),
    (response) => oauth.processRefreshTokenResponse(as, one, response),
  )
}

const seen = {}
for (const [library, logIn] of Object.entries({ 'openid-client': byOpenidClient, oauth4webapi: byOauth4webapi })) {
  seen[library] = {}
  for (const { name, rule } of input.provocations) {
    const made = await (await steer('POST', '/faults', rule)).json()
    let step = ''
    try {
      await logIn((reached) => { step = reached })
      seen[library][name] = ''
    } catch (error) {
      seen[library][name] = `${step}: ${error.cause?.message ?? error.message}`
    }
    const after = await (await steer('GET', `/faults/${made.id}`)).json()
    if (after.happened === 0) seen[library][name] = `never met: ${seen[library][name]}`
    await steer('DELETE', `/faults/${made.id}`)
  }
}
console.log(JSON.stringify(seen))
