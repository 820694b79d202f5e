// Logins by Nimbus' SDK, each with something that goes wrong: where it stops, and why. Reads what tests/interop/
// test_faults.py gives from the file that is named, writes {library: {name: "" or step and error}} to standard output.

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.oauth2.sdk.AuthorizationCode;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.PushedAuthorizationRequest;
import com.nimbusds.oauth2.sdk.PushedAuthorizationResponse;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.dpop.DPoPProofFactory;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.DPoPAccessToken;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponse;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.claims.AccessTokenHash;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.AccessTokenValidator;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

public class Clients {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static String step = "";
  // The newest that the server has given.
  private static com.nimbusds.openid.connect.sdk.Nonce nonce;

  public static void main(String[] arguments) throws Exception {
    Map<String, Object> input = JSONObjectUtils.parse(Files.readString(Path.of(arguments[0])));
    String control = JSONObjectUtils.getString(input, "control");
    Map<String, Object> seen = new LinkedHashMap<>();
    for (Map<String, Object> one : JSONObjectUtils.getJSONObjectArray(input, "provocations")) {
      String rule = JSONObjectUtils.toJSONString(JSONObjectUtils.getJSONObject(one, "rule"));
      String id = JSONObjectUtils.getString(steer("POST", control + "/faults", rule), "id");
      String found;
      try {
        logIn(input);
        found = "";
      } catch (Exception error) {
        found = step + ": " + error.getMessage();
      }
      if (JSONObjectUtils.getInt(steer("GET", control + "/faults/" + id, null), "happened") == 0) {
        found = "never met: " + found;
      }
      steer("DELETE", control + "/faults/" + id, null);
      seen.put(JSONObjectUtils.getString(one, "name"), found);
    }
    System.out.println(JSONObjectUtils.toJSONString(Map.of("Nimbus", seen)));
  }

  private static void logIn(Map<String, Object> input) throws Exception {
    ClientID clientId = new ClientID(JSONObjectUtils.getString(input, "clientId"));
    RSAKey key = RSAKey.parse(JSONObjectUtils.getJSONObject(input, "jwk"));
    URI redirectUri = JSONObjectUtils.getURI(input, "redirectUri");
    Issuer issuer = new Issuer(JSONObjectUtils.getString(input, "issuer"));
    DPoPProofFactory proofs = new DefaultDPoPProofFactory(new ECKeyGenerator(Curve.P_256).generate(), JWSAlgorithm.ES256);

    step = "discovery";
    OIDCProviderMetadata op = OIDCProviderMetadata.resolve(issuer);

    step = "par";
    CodeVerifier verifier = new CodeVerifier();
    State state = new State();
    Nonce ofLogin = new Nonce();
    nonce = null;
    AuthenticationRequest asked =
        new AuthenticationRequest.Builder(
                ResponseType.CODE, Scope.parse(JSONObjectUtils.getString(input, "scope")), clientId, redirectUri)
            .state(state)
            .nonce(ofLogin)
            .codeChallenge(verifier, CodeChallengeMethod.S256)
            .customParameter("test_pid", JSONObjectUtils.getString(input, "testPid"))
            .build();
    URI par = op.getPushedAuthorizationRequestEndpointURI();
    PushedAuthorizationResponse pushed =
        PushedAuthorizationResponse.parse(
            send(proofs, () -> new PushedAuthorizationRequest(par, authentication(clientId, issuer, key), asked).toHTTPRequest()));
    if (!pushed.indicatesSuccess()) {
      throw new Exception(pushed.toErrorResponse().getErrorObject().getCode());
    }

    step = "authorize";
    URI authorize =
        new AuthenticationRequest.Builder(pushed.toSuccessResponse().getRequestURI(), clientId)
            .endpointURI(op.getAuthorizationEndpointURI())
            .build()
            .toURI();
    String location =
        HTTP.send(HttpRequest.newBuilder(authorize).build(), HttpResponse.BodyHandlers.discarding())
            .headers()
            .firstValue("location")
            .orElseThrow();
    AuthenticationResponse answer = AuthenticationResponseParser.parse(URI.create(location));
    if (!answer.indicatesSuccess()) {
      throw new Exception(answer.toErrorResponse().getErrorObject().getCode());
    }
    // What its user has to compare: the parser reads state and iss, and judges neither.
    if (!state.equals(answer.getState()) || !issuer.equals(answer.getIssuer())) {
      throw new Exception("state or iss");
    }

    step = "token";
    AuthorizationCode code = answer.toSuccessResponse().getAuthorizationCode();
    OIDCTokens tokens = redeem(op, clientId, issuer, key, proofs, new AuthorizationCodeGrant(code, redirectUri, verifier));
    IDTokenValidator validator =
        new IDTokenValidator(issuer, clientId, JWSAlgorithm.RS256, op.getJWKSetURI().toURL());
    IDTokenClaimsSet claims = validator.validate(tokens.getIDToken(), ofLogin);
    AccessTokenHash hash = claims.getAccessTokenHash();
    if (hash != null) {
      AccessTokenValidator.validate(tokens.getAccessToken(), JWSAlgorithm.RS256, hash);
    }
    DPoPAccessToken token = tokens.getDPoPAccessToken();
    if (token == null) {
      throw new Exception("the token is not bound to a key");
    }

    step = "userinfo";
    HTTPRequest request = new UserInfoRequest(op.getUserInfoEndpointURI(), token).toHTTPRequest();
    request.setDPoP(proofs.createDPoPJWT("GET", op.getUserInfoEndpointURI(), token));
    UserInfoResponse info = UserInfoResponse.parse(request.send());
    if (!info.indicatesSuccess()) {
      throw new Exception(info.toErrorResponse().getErrorObject().getCode());
    }
    if (!info.toSuccessResponse().getUserInfo().getSubject().equals(claims.getSubject())) {
      throw new Exception("sub");
    }

    step = "refresh";
    redeem(op, clientId, issuer, key, proofs, new RefreshTokenGrant(tokens.getRefreshToken()));
  }

  private static OIDCTokens redeem(
      OIDCProviderMetadata op,
      ClientID clientId,
      Issuer issuer,
      RSAKey key,
      DPoPProofFactory proofs,
      AuthorizationGrant grant)
      throws Exception {
    URI endpoint = op.getTokenEndpointURI();
    var answer =
        OIDCTokenResponseParser.parse(
            send(
                proofs,
                () ->
                    new TokenRequest.Builder(endpoint, authentication(clientId, issuer, key), grant)
                        .build()
                        .toHTTPRequest()));
    if (!answer.indicatesSuccess()) {
      throw new Exception(answer.toErrorResponse().getErrorObject().getCode());
    }
    return ((OIDCTokenResponse) answer.toSuccessResponse()).getOIDCTokens();
  }

  private interface Made {
    HTTPRequest request() throws Exception;
  }

  /** With a proof, and once more with the nonce that a challenge brings. */
  private static HTTPResponse send(DPoPProofFactory proofs, Made made) throws Exception {
    HTTPResponse answer = null;
    for (int tries = 0; tries < 2; tries++) {
      HTTPRequest request = made.request();
      request.setDPoP(proofs.createDPoPJWT("POST", request.getURI(), nonce));
      answer = request.send();
      boolean challenged = answer.getStatusCode() == 400 && answer.getDPoPNonce() != null;
      nonce = answer.getDPoPNonce() == null ? nonce : answer.getDPoPNonce();
      if (!challenged) {
        return answer;
      }
    }
    return answer;
  }

  private static PrivateKeyJWT authentication(ClientID clientId, Issuer issuer, RSAKey key) throws Exception {
    return new PrivateKeyJWT(clientId, URI.create(issuer.getValue()), JWSAlgorithm.RS256, key.toPrivateKey(), key.getKeyID(), null);
  }

  private static Map<String, Object> steer(String method, String url, String body) throws Exception {
    HttpRequest.BodyPublisher sent =
        body == null ? HttpRequest.BodyPublishers.noBody() : HttpRequest.BodyPublishers.ofString(body);
    HttpRequest request =
        HttpRequest.newBuilder(URI.create(url)).header("Content-Type", "application/json").method(method, sent).build();
    String answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString()).body();
    return answer.isEmpty() ? Map.of() : JSONObjectUtils.parse(answer);
  }
}
