package dev.sluice.foreign;

import dev.sluice.support.Gateway;
import java.util.stream.Stream;

/** The client libraries of Java, which the build fetches anyhow: the HiveMQ client and Eclipse Paho, each with MQTT 3.1.1 and 5. */
class JavaClientsIT extends ClientScenarios {
    static Stream<Library> libraries() {
        return Stream.of(JavaLibrary.values());
    }

    @Override
    int port() {
        return Gateway.shared().port();
    }

    @Override
    int large() {
        return 30_000;
    }
}
