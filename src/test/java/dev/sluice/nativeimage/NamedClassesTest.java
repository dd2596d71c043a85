package dev.sluice.nativeimage;
import static org.assertj.core.api.Assertions.assertThat;
import org.junit.jupiter.api.Test;
class NamedClassesTest {
    @Test void x() { assertThat(NativeSources.get().constructible()).contains("org.apache.kafka.common.security.oauthbearer.DefaultJwtRetriever"); System.out.println(NativeSources.get().arguments()); }
}
