package mocksts.junit;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.junit.jupiter.api.extension.ExtendWith;

/**
 * Tests with a HelseID of their own: one server for this JVM, and an environment for this class. Methods and constructors
 * take a {@code HelseIdEnvironment}, a {@code HelseIdPerson} with {@link Persona}, a {@code HelseIdClient} with
 * {@link Client}. A test that fails says what the server has refused.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Inherited
@ExtendWith(MockStsExtension.class)
public @interface MockSts {
    /** Settings of the class's environment, each as {@code name=value}: {@code enforcement=strict}. */
    String[] settings() default {};

    /** Whether the class uses the environment at the root, which others use too, in place of one of its own. */
    boolean sharedEnvironment() default false;

    /** The name of the provider in {@code spring.security.oauth2.client.provider.<name>} for tests with Spring. */
    String springProvider() default "helseid";
}
