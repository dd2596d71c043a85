package dev.sluice.access;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class AuthenticatorTest {
    private static final Peer PEER =
            new Peer("192.0.2.7", "192.0.2.7:4711", false, List.of(), "Bearer secret", "/mqtt");
    private static final Attempt WITHOUT = new Attempt(PEER, "c", null, null);
    private static final Attempt WITH_USER = new Attempt(PEER, "c", "ann", new byte[] {1});
    private static final Attempt EXTENDED = new Attempt(PEER, "c", null, null, "SCRAM-SHA-256", new byte[] {1});

    /** Lets in whoever names a user, by a method of its choice. */
    private record ByName(Method method) implements Authentication {
        @Override
        public boolean concerns(Attempt attempt) {
            return attempt.username() != null;
        }

        @Override
        public Verdict judge(Attempt attempt) {
            return new Verdict.Granted(new Identity(attempt.username(), Set.of(), Map.of(), method, null));
        }
    }

    private static Authenticator of(String... methods) {
        return new Authenticator(
                List.of(methods), List.of(new Anonymous(), new ByName(Method.PASSWORD), new ByName(Method.TOKEN)));
    }

    private static Method granted(Verdict verdict) {
        return ((Verdict.Granted) verdict).identity().method();
    }

    private static Reason denied(Verdict verdict) {
        return ((Verdict.Denied) verdict).reason();
    }

    @Test
    void theFirstMethodThatAnAttemptConcernsIsAsked() {
        assertThat(granted(of("password", "token", "anonymous").judge(WITH_USER)))
                .isEqualTo(Method.PASSWORD);
        assertThat(granted(of("token", "password", "anonymous").judge(WITH_USER)))
                .isEqualTo(Method.TOKEN);
        assertThat(granted(of("token", "password", "anonymous").judge(WITHOUT))).isEqualTo(Method.ANONYMOUS);
        assertThat(denied(of("password").judge(WITHOUT))).isEqualTo(Reason.NOT_AUTHORIZED);
    }

    @Test
    void withoutAMethodNobodyIsLetIn() {
        assertThat(of().isClosed()).isTrue();
        assertThat(denied(of().judge(WITHOUT))).isEqualTo(Reason.NOT_AUTHORIZED);
        assertThat(denied(of().judge(WITH_USER))).isEqualTo(Reason.NOT_AUTHORIZED);
    }

    @Test
    void anonymousTakesNoNameForTrueAndAnswersNoChallenge() {
        assertThat(of("anonymous").judge(WITH_USER)).isEqualTo(new Verdict.Granted(Identity.ANONYMOUS));
        assertThat(Identity.ANONYMOUS.username()).isNull();
        assertThat(denied(of("anonymous").judge(EXTENDED))).isEqualTo(Reason.BAD_METHOD);
    }

    @ParameterizedTest
    @CsvSource({
        "pasword,            is not one of anonymous; password; token; certificate; scram",
        "Password,           is not one of",
        "scram,              scram is not available",
        "anonymous+password, anonymous has to be the last one",
        "token+token,        token is named twice"
    })
    void aMistakeNamesTheKey(String methods, String why) {
        assertThatThrownBy(() -> of(methods.split("\\+")))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessageStartingWith("sluice.access.methods: ")
                .hasMessageContaining(why.replace(';', ','));
    }

    @Test
    void nothingThatIsPrintedHasACredential() {
        assertThat(PEER.toString()).isEqualTo("192.0.2.7:4711");
        assertThat(WITH_USER.toString()).isEqualTo("client c of 192.0.2.7:4711");
        assertThat(PEER.withoutAuthorization().authorization()).isNull();
    }

    @Test
    void onlyAnonymousHasNoName() {
        assertThatThrownBy(() -> new Identity("", Set.of(), Map.of(), Method.PASSWORD, null))
                .isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> new Identity("ann", Set.of(), Map.of(), Method.ANONYMOUS, null))
                .isInstanceOf(IllegalArgumentException.class);
    }
}
