package dev.sluice.access.credential;

import static dev.sluice.access.credential.CredentialRig.HOME;
import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import com.ongres.scram.client.ScramClient;
import com.ongres.scram.common.exception.ScramInvalidServerSignatureException;
import dev.sluice.access.Attempt;
import dev.sluice.access.Method;
import dev.sluice.access.Reason;
import dev.sluice.access.Verdict;
import dev.sluice.access.secret.Scheme;
import dev.sluice.store.EmbeddedServer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.Executors;
import java.util.function.Supplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** SCRAM against credentials in a real PostgreSQL, with the client of the PostgreSQL driver's authors on the other side. */
@Tag("postgres")
class ScramAuthenticationTest {
    private final CredentialRig rig = new CredentialRig(Map.of("free-failures", "1000"));

    @AfterEach
    void stop() {
        rig.close();
    }

    private static Attempt attempt(String mechanism, String username, byte[] data) {
        return new Attempt(CredentialRig.peer(HOME), "device", username, null, mechanism, data);
    }

    private static ScramClient client(String mechanism, String username, String password) {
        return ScramClient.builder()
                .advertisedMechanisms(List.of(mechanism))
                .username(username)
                .password(password.toCharArray())
                .build();
    }

    private static String text(Verdict verdict) {
        return new String(
                switch (verdict) {
                    case Verdict.Challenge challenge -> challenge.data();
                    case Verdict.Granted granted -> granted.data();
                    case Verdict.Denied denied -> throw new AssertionError(denied.logText());
                },
                UTF_8);
    }

    private static Reason reason(Verdict verdict) {
        return ((Verdict.Denied) verdict).reason();
    }

    /** The verdict of a whole exchange; the client has looked at the server's signature if it was granted. */
    private Verdict exchange(String mechanism, String username, String password) throws Exception {
        var client = client(mechanism, username, password);
        var first = client.clientFirstMessage().toString().getBytes(UTF_8);
        var challenge = (Verdict.Challenge) rig.scram.judge(attempt(mechanism, null, first));
        client.serverFirstMessage(text(challenge));
        var verdict =
                challenge.next().answered(client.clientFinalMessage().toString().getBytes(UTF_8));
        if (verdict instanceof Verdict.Granted) client.serverFinalMessage(text(verdict));
        return verdict;
    }

    @ParameterizedTest
    @CsvSource({
        "SCRAM-SHA-256, SCRAM_SHA_256, ann, pencil",
        "SCRAM-SHA-512, SCRAM_SHA_512, ann, pencil",
        "SCRAM-SHA-256, SCRAM_SHA_256, 'a,n=n', 'p\u00e4ss\u00a0w\u00adord\u2168'"
    })
    void aWellKnownClientGetsInAndKnowsTheServer(String mechanism, Scheme scheme, String username, String password)
            throws Exception {
        rig.put(username, scheme, password);
        var identity = ((Verdict.Granted) exchange(mechanism, username, password)).identity();
        assertThat(identity.name()).isEqualTo(username);
        assertThat(identity.method()).isEqualTo(Method.SCRAM);
        assertThat(reason(exchange(mechanism, username, password + "x"))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(rig.outcomes("wrong")).isEqualTo(1);
    }

    /** Section 3 of RFC 7677. */
    @Test
    void theVectorsOfRfc7677() {
        EmbeddedServer.shared().execute("""
            INSERT INTO credential (username, hash) VALUES ('user', 'SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=')\
            """);
        var logins = new Logins(new Throttle(rig.config, rig.store.meters), rig.store.meters);
        var scram = new ScramAuthentication(rig.reader, logins, 4096, () -> "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0");
        var first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO".getBytes(UTF_8);
        var challenge = (Verdict.Challenge) scram.judge(attempt("SCRAM-SHA-256", "user", first));
        assertThat(text(challenge))
                .isEqualTo("r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
        var last =
                "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        var granted = challenge.next().answered(last.getBytes(UTF_8));
        assertThat(text(granted)).isEqualTo("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
    }

    /** Also one with a secret of another scheme; and it cannot be told from a wrong password. */
    @ParameterizedTest
    @ValueSource(strings = {"SCRAM-SHA-256", "SCRAM-SHA-512"})
    void anUnknownUserGetsASaltWhichIsTheSameEachTime(String mechanism) throws Exception {
        rig.put("other-scheme", Scheme.BCRYPT, "pencil");
        for (var name : List.of("nobody", "other-scheme")) {
            var first = "n,,n=%s,r=abc".formatted(name).getBytes(UTF_8);
            var salt = text(rig.scram.judge(attempt(mechanism, null, first))).replaceFirst("^r=[^,]*", "");
            assertThat(salt).matches(",s=[A-Za-z0-9+/]{22}==,i=4096");
            assertThat(text(rig.scram.judge(attempt(mechanism, null, first)))).endsWith(salt);
            var logins = new Logins(new Throttle(rig.config, rig.store.meters), rig.store.meters);
            var anotherGateway = new ScramAuthentication(rig.reader, logins, rig.config);
            assertThat(text(anotherGateway.judge(attempt(mechanism, null, first))))
                    .endsWith(salt);
            assertThat(reason(exchange(mechanism, name, "pencil"))).isEqualTo(Reason.BAD_CREDENTIALS);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "n,,n=ann",
                "n,,n=ann,r=",
                "n,,m=1,n=ann,r=abc",
                "p=tls-unique,,n=ann,r=abc",
                "x,,n=ann,r=abc",
                "n,,n=a=nn,r=abc",
                "n=ann,r=abc",
                "n,,n=ann,r=a\u00e9c"
            })
    void aFirstMessageOfNoSense(String first) {
        assertThat(reason(rig.scram.judge(attempt("SCRAM-SHA-256", null, first.getBytes(UTF_8)))))
                .isEqualTo(Reason.PROTOCOL_ERROR);
        assertThat(rig.outcomes("malformed")).isEqualTo(1);
    }

    @Test
    void nobodyActsForSomebodyElse() {
        rig.put("ann", Scheme.SCRAM_SHA_256, "pencil");
        var asBob = "n,a=bob,n=ann,r=abc".getBytes(UTF_8);
        assertThat(reason(rig.scram.judge(attempt("SCRAM-SHA-256", null, asBob))))
                .isEqualTo(Reason.NOT_AUTHORIZED);
        var first = "n,,n=ann,r=abc".getBytes(UTF_8);
        assertThat(reason(rig.scram.judge(attempt("SCRAM-SHA-256", "bob", first))))
                .isEqualTo(Reason.NOT_AUTHORIZED);
    }

    @Test
    void whatIsReplayedTruncatedOrOfAnotherHeaderIsRefused() throws Exception {
        rig.put("ann", Scheme.SCRAM_SHA_256, "pencil");
        var client = client("SCRAM-SHA-256", "ann", "pencil");
        var first = attempt(
                "SCRAM-SHA-256", null, client.clientFirstMessage().toString().getBytes(UTF_8));
        var challenge = (Verdict.Challenge) rig.scram.judge(first);
        client.serverFirstMessage(text(challenge));
        var right = client.clientFinalMessage().toString();
        var again = (Verdict.Challenge) rig.scram.judge(first);
        assertThat(reason(again.next().answered(right.getBytes(UTF_8))))
                .as("replayed")
                .isEqualTo(Reason.PROTOCOL_ERROR);
        var cut = right.substring(0, right.indexOf(",p=")) + ",p="
                + right.substring(right.indexOf(",p=") + 3).substring(0, 20);
        assertThat(reason(challenge.next().answered(cut.getBytes(UTF_8))))
                .as("cut")
                .isEqualTo(Reason.BAD_CREDENTIALS);
        for (var wrong :
                List.of(right.replace("c=biws", "c=eSws"), right.substring(0, right.indexOf(",p=")), "", "c=biws"))
            assertThat(reason(challenge.next().answered(wrong.getBytes(UTF_8))))
                    .as(wrong)
                    .isEqualTo(Reason.PROTOCOL_ERROR);
        assertThat(reason(challenge.next().answered(null))).isEqualTo(Reason.PROTOCOL_ERROR);
        assertThat(challenge.next().answered(right.getBytes(UTF_8))).isInstanceOf(Verdict.Granted.class);
    }

    @Test
    void whatIsRevokedDuringTheExchangeIsRefused() throws Exception {
        rig.put("ann", Scheme.SCRAM_SHA_256, "pencil");
        var client = client("SCRAM-SHA-256", "ann", "pencil");
        var first = attempt(
                "SCRAM-SHA-256", null, client.clientFirstMessage().toString().getBytes(UTF_8));
        var challenge = (Verdict.Challenge) rig.scram.judge(first);
        client.serverFirstMessage(text(challenge));
        EmbeddedServer.shared().execute("UPDATE credential SET revoked_at = now()");
        var last = client.clientFinalMessage().toString().getBytes(UTF_8);
        assertThat(reason(challenge.next().answered(last))).isEqualTo(Reason.BAD_CREDENTIALS);
        assertThat(rig.outcomes("revoked")).isEqualTo(1);
    }

    /** The oracle would tell if the signature were wrong. */
    @Test
    void theClientLooksAtTheSignature() throws Exception {
        rig.put("ann", Scheme.SCRAM_SHA_256, "pencil");
        var client = client("SCRAM-SHA-256", "ann", "pencil");
        var first = attempt(
                "SCRAM-SHA-256", null, client.clientFirstMessage().toString().getBytes(UTF_8));
        client.serverFirstMessage(text(rig.scram.judge(first)));
        client.clientFinalMessage();
        assertThatThrownBy(() -> client.serverFinalMessage("v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4="))
                .isInstanceOf(ScramInvalidServerSignatureException.class);
    }

    /** Some clients wait for the server to begin. */
    @Test
    void aClientMaySayItsFirstMessageInAuth() {
        var challenge = (Verdict.Challenge) rig.scram.judge(attempt("SCRAM-SHA-256", null, null));
        assertThat(challenge.data()).isNull();
        assertThat(text(challenge.next().answered("n,,n=ann,r=abc".getBytes(UTF_8))))
                .startsWith("r=abc");
    }

    /** Exchanges that began before the first of them failed are held back all the same. */
    @Test
    void exchangesThatBeginAtOnceAreHeldBackOnceSomeHaveFailed() throws Exception {
        try (var strict = new CredentialRig(
                Map.of("free-failures", "3", "delayed-per-address", "1", "delay", "1h", "delay-maximum", "1h"))) {
            strict.put("ann", Scheme.SCRAM_SHA_256, "pencil");
            var begun = new ArrayList<Supplier<Verdict>>();
            for (int i = 0; i < 20; i++) {
                var client = client("SCRAM-SHA-256", "ann", "wrong");
                var first = client.clientFirstMessage().toString().getBytes(UTF_8);
                var challenge = (Verdict.Challenge) strict.scram.judge(attempt("SCRAM-SHA-256", null, first));
                client.serverFirstMessage(text(challenge));
                var last = client.clientFinalMessage().toString().getBytes(UTF_8);
                begun.add(() -> challenge.next().answered(last));
            }
            for (int i = 0; i < 4; i++) begun.removeFirst().get();
            try (var clients = Executors.newVirtualThreadPerTaskExecutor()) {
                begun.forEach(it -> clients.execute(it::get));
                await("all but the one that is delayed").until(() -> strict.outcomes("throttled") >= 15);
                clients.shutdownNow();
            }
            assertThat(strict.outcomes("wrong")).isEqualTo(4);
        }
    }
}
