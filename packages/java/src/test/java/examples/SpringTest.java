package examples;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.net.URL;

import com.nimbusds.jose.jwk.source.JWKSourceBuilder;
import com.nimbusds.jose.proc.DefaultJOSEObjectTypeVerifier;
import com.nimbusds.jose.proc.JWSVerificationKeySelector;
import com.nimbusds.jose.JOSEObjectType;
import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.proc.SecurityContext;
import com.nimbusds.jwt.proc.DefaultJWTProcessor;

import mocksts.HelseIdEnvironment;
import mocksts.junit.MockSts;

import org.junit.jupiter.api.Test;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.beans.factory.annotation.Value;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.test.context.junit.jupiter.SpringJUnitConfig;

@MockSts
@SpringJUnitConfig
class SpringTest {
    /** Stands for an application: it reads the properties that Spring Boot reads. */
    @Configuration
    static class Application {
        @Bean
        DefaultJWTProcessor<SecurityContext> processor(
            @Value("${spring.security.oauth2.resourceserver.jwt.jwk-set-uri}") URL keys) {
            DefaultJWTProcessor<SecurityContext> processor = new DefaultJWTProcessor<>();
            processor.setJWSTypeVerifier(new DefaultJOSEObjectTypeVerifier<>(new JOSEObjectType("at+jwt")));
            processor.setJWSKeySelector(
                new JWSVerificationKeySelector<>(JWSAlgorithm.RS256, JWKSourceBuilder.create(keys).build()));
            return processor;
        }
    }

    @Value("${spring.security.oauth2.client.provider.helseid.issuer-uri}")
    private String issuer;

    @Autowired
    private DefaultJWTProcessor<SecurityContext> processor;

    @Test
    void theApplicationTrustsTheEnvironmentOfTheClass(HelseIdEnvironment sts) throws Exception {
        assertEquals(sts.issuer(), issuer);
        assertEquals(issuer, processor.process(sts.token("mock:demo-api").accessToken(), null).getIssuer());
    }
}
