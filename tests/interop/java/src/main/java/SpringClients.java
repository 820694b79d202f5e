// Logins by Spring Security's OAuth 2.0 client, each with something that goes wrong: where it stops, and why. It knows
// neither PAR nor DPoP and asks with Bearer tokens; the web part, which only leads the browser, is left out. Reads what
// tests/interop/test_faults.py gives, writes {library: {name: "" or step and error}} to standard output.

import com.nimbusds.jose.jwk.RSAKey;
import com.nimbusds.jose.util.JSONObjectUtils;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.Base64;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.springframework.security.oauth2.client.authentication.OAuth2LoginAuthenticationToken;
import org.springframework.security.oauth2.client.endpoint.NimbusJwtClientAuthenticationParametersConverter;
import org.springframework.security.oauth2.client.endpoint.OAuth2RefreshTokenGrantRequest;
import org.springframework.security.oauth2.client.endpoint.RestClientAuthorizationCodeTokenResponseClient;
import org.springframework.security.oauth2.client.endpoint.RestClientRefreshTokenTokenResponseClient;
import org.springframework.security.oauth2.client.oidc.authentication.OidcAuthorizationCodeAuthenticationProvider;
import org.springframework.security.oauth2.client.oidc.userinfo.OidcUserService;
import org.springframework.security.oauth2.client.registration.ClientRegistration;
import org.springframework.security.oauth2.client.registration.ClientRegistrations;
import org.springframework.security.oauth2.core.ClientAuthenticationMethod;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationExchange;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationRequest;
import org.springframework.security.oauth2.core.endpoint.OAuth2AuthorizationResponse;

public class SpringClients {
  private static final HttpClient HTTP = HttpClient.newHttpClient();
  private static String step = "";

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
    System.out.println(JSONObjectUtils.toJSONString(Map.of("Spring Security", seen)));
  }

  private static void logIn(Map<String, Object> input) throws Exception {
    RSAKey key = RSAKey.parse(JSONObjectUtils.getJSONObject(input, "jwk"));
    String redirectUri = JSONObjectUtils.getString(input, "redirectUri");

    step = "discovery";
    ClientRegistration client =
        ClientRegistrations.fromIssuerLocation(JSONObjectUtils.getString(input, "issuer"))
            .registrationId("mock")
            .clientId(JSONObjectUtils.getString(input, "clientId"))
            .clientAuthenticationMethod(ClientAuthenticationMethod.PRIVATE_KEY_JWT)
            .redirectUri(redirectUri)
            .scope(JSONObjectUtils.getString(input, "scope").split(" "))
            .build();

    step = "authorize";
    String verifier = (UUID.randomUUID() + "" + UUID.randomUUID()).replace("-", "");
    String nonce = UUID.randomUUID().toString();
    Map<String, Object> asked =
        new HashMap<>(
            Map.of(
                "code_challenge", hashed(verifier),
                "code_challenge_method", "S256",
                "nonce", hashed(nonce),
                "test_pid", JSONObjectUtils.getString(input, "testPid")));
    OAuth2AuthorizationRequest request =
        OAuth2AuthorizationRequest.authorizationCode()
            .authorizationUri(client.getProviderDetails().getAuthorizationUri())
            .clientId(client.getClientId())
            .redirectUri(redirectUri)
            .scopes(client.getScopes())
            .state(UUID.randomUUID().toString())
            .attributes(Map.of("registration_id", "mock", "code_verifier", verifier, "nonce", nonce))
            .additionalParameters(asked)
            .build();
    HttpRequest authorize = HttpRequest.newBuilder(URI.create(request.getAuthorizationRequestUri())).build();
    String location =
        HTTP.send(authorize, HttpResponse.BodyHandlers.discarding()).headers().firstValue("location").orElseThrow();
    Map<String, String> answer = parameters(URI.create(location).getRawQuery());
    // As OAuth2LoginAuthenticationFilter reads it: the request is found by its state.
    if (!request.getState().equals(answer.get("state"))) {
      throw new Exception("authorization_request_not_found");
    }
    OAuth2AuthorizationResponse response =
        answer.containsKey("error")
            ? OAuth2AuthorizationResponse.error(answer.get("error")).redirectUri(redirectUri).state(answer.get("state")).build()
            : OAuth2AuthorizationResponse.success(answer.get("code")).redirectUri(redirectUri).state(answer.get("state")).build();

    step = "token";
    RestClientAuthorizationCodeTokenResponseClient codes = new RestClientAuthorizationCodeTokenResponseClient();
    codes.addParametersConverter(new NimbusJwtClientAuthenticationParametersConverter<>(registration -> key));
    // The provider ends with userinfo, which its own service asks for and compares.
    OidcUserService users = new OidcUserService();
    OidcAuthorizationCodeAuthenticationProvider provider =
        new OidcAuthorizationCodeAuthenticationProvider(
            codes,
            asks -> {
              step = "userinfo";
              return users.loadUser(asks);
            });
    OAuth2LoginAuthenticationToken made =
        (OAuth2LoginAuthenticationToken)
            provider.authenticate(
                new OAuth2LoginAuthenticationToken(client, new OAuth2AuthorizationExchange(request, response)));

    step = "refresh";
    RestClientRefreshTokenTokenResponseClient refreshes = new RestClientRefreshTokenTokenResponseClient();
    refreshes.addParametersConverter(new NimbusJwtClientAuthenticationParametersConverter<>(registration -> key));
    refreshes.getTokenResponse(new OAuth2RefreshTokenGrantRequest(client, made.getAccessToken(), made.getRefreshToken()));
  }

  private static String hashed(String text) throws Exception {
    byte[] digest = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.US_ASCII));
    return Base64.getUrlEncoder().withoutPadding().encodeToString(digest);
  }

  private static Map<String, String> parameters(String query) {
    Map<String, String> found = new HashMap<>();
    for (String pair : query.split("&")) {
      String[] parts = pair.split("=", 2);
      found.put(parts[0], URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
    }
    return found;
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
