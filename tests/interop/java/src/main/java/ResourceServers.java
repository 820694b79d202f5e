// Two resource servers, by Nimbus and by Spring Security as its documentation sets it up: whether each takes each row of
// a matrix of test tokens. Reads {issuer, audience, jwks, rows: [{name, token}]} from the file that is named, writes
// {name: why it was refused or ""} for each to standard output.

import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jose.util.JSONObjectUtils;
import com.nimbusds.jwt.JWTClaimsSet;
import com.nimbusds.jwt.proc.DefaultJWTClaimsVerifier;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.springframework.security.oauth2.core.DelegatingOAuth2TokenValidator;
import org.springframework.security.oauth2.jwt.JwtClaimValidator;
import org.springframework.security.oauth2.jwt.JwtValidators;
import org.springframework.security.oauth2.jwt.NimbusJwtDecoder;

public class ResourceServers {
  interface Judge {
    void check(String token) throws Exception;
  }

  public static void main(String[] arguments) throws Exception {
    Map<String, Object> input = JSONObjectUtils.parse(Files.readString(Path.of(arguments[0])));
    String issuer = JSONObjectUtils.getString(input, "issuer");
    String audience = JSONObjectUtils.getString(input, "audience");
    String jwks = JSONObjectUtils.getString(input, "jwks");
    Map<String, Object> seen = new LinkedHashMap<>();
    seen.put("nimbus", judged(input, nimbus(issuer, audience, jwks)));
    seen.put("spring", judged(input, spring(issuer, audience, jwks)));
    System.out.println(JSONObjectUtils.toJSONString(seen));
  }

  private static Judge nimbus(String issuer, String audience, String jwks) throws Exception {
    DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
    processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
    processor.setJWSKeySelector(
        new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, JWKSourceBuilder.create(new URL(jwks)).build()));
    processor.setJWTClaimsSetVerifier(
        new DefaultJWTClaimsVerifier<>(
            audience, new JWTClaimsSet.Builder().issuer(issuer).build(), Set.of("exp", "client_id")));
    return token -> processor.process(token, null);
  }

  private static Judge spring(String issuer, String audience, String jwks) {
    NimbusJwtDecoder decoder =
        NimbusJwtDecoder.withJwkSetUri(jwks)
            .jwtProcessorCustomizer(
                processor ->
                    processor.setJWSTypeVerifier(
                        new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt"))))
            .build();
    decoder.setJwtValidator(
        new DelegatingOAuth2TokenValidator<>(
            JwtValidators.createDefaultWithIssuer(issuer),
            new JwtClaimValidator<List<String>>("aud", names -> names != null && names.contains(audience))));
    return decoder::decode;
  }

  private static Map<String, Object> judged(Map<String, Object> input, Judge judge) throws Exception {
    Map<String, Object> seen = new LinkedHashMap<>();
    for (Map<String, Object> row : JSONObjectUtils.getJSONObjectArray(input, "rows")) {
      String why = "";
      try {
        judge.check(JSONObjectUtils.getString(row, "token"));
      } catch (Exception error) {
        why = String.valueOf(error.getMessage());
      }
      seen.put(JSONObjectUtils.getString(row, "name"), why);
    }
    return seen;
  }
}
