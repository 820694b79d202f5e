package mocksts.spring;

import java.util.List;

import mocksts.junit.Environments;
import mocksts.junit.MockSts;

import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.env.MapPropertySource;
import org.springframework.test.context.ContextConfigurationAttributes;
import org.springframework.test.context.ContextCustomizer;
import org.springframework.test.context.ContextCustomizerFactory;
import org.springframework.test.context.MergedContextConfiguration;

/** Sets issuer and endpoints in the application context of each test class with {@link MockSts}. Spring finds it itself. */
public final class MockStsContextCustomizerFactory implements ContextCustomizerFactory {
    @Override
    public ContextCustomizer createContextCustomizer(Class<?> test, List<ContextConfigurationAttributes> attributes) {
        Class<?> owner = Environments.annotated(test);
        if (owner == null) {
            return null;
        }
        MockSts wanted = owner.getAnnotation(MockSts.class);
        // Contexts with the same issuer may be shared; a class with an environment of its own has one of its own.
        return new Customizer(wanted.sharedEnvironment() ? null : owner, owner, wanted.springProvider());
    }

    private record Customizer(Class<?> own, Class<?> owner, String provider) implements ContextCustomizer {
        @Override
        public void customizeContext(ConfigurableApplicationContext context, MergedContextConfiguration configuration) {
            context.getEnvironment().getPropertySources()
                .addFirst(new MapPropertySource("mock-sts", MockStsProperties.of(Environments.of(owner), provider)));
        }

        @Override
        public boolean equals(Object other) {
            return other instanceof Customizer that
                && java.util.Objects.equals(own, that.own) && provider.equals(that.provider);
        }

        @Override
        public int hashCode() {
            return java.util.Objects.hash(own, provider);
        }
    }
}
