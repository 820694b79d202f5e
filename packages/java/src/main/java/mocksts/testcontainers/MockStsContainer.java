package mocksts.testcontainers;

import mocksts.HelseIdEnvironment;

import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.utility.DockerImageName;

/** Mock HelseID STS in a container, for Testcontainers. */
public class MockStsContainer extends GenericContainer<MockStsContainer> {
    private static final int PORT = 8080;

    private String adminToken;

    /** Of an image that docker has or can pull, such as {@code mock-sts:0.1.0}. */
    public MockStsContainer(String image) {
        this(DockerImageName.parse(image));
    }

    public MockStsContainer(DockerImageName image) {
        super(image);
        addExposedPort(PORT);
        waitingFor(Wait.forHttp("/health/ready").forPort(PORT));
    }

    /** A setting by its name, such as {@code access_token_lifetime}. */
    public MockStsContainer withSetting(String name, Object value) {
        if (name.equals("admin_token")) {
            adminToken = String.valueOf(value);
        }
        return withEnv("MOCK_STS_" + name.toUpperCase(), String.valueOf(value));
    }

    /**
     * The issuer of tokens for programs on this machine. A container beside it that asks by another name gets tokens of
     * that name.
     */
    public String getIssuer() {
        return "http://" + getHost() + ":" + getMappedPort(PORT);
    }

    /** The environment at the root of the server. */
    public HelseIdEnvironment environment() {
        return HelseIdEnvironment.at(getIssuer(), adminToken, null);
    }
}
