package dev.sluice.endpoint;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.endpoint.ForwardedFor.Client;
import dev.sluice.endpoint.ForwardedFor.Station;
import java.net.InetAddress;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ForwardedForTest {
    private static final Networks TRUSTED = new Networks(List.of("10.0.0.0/8", "fd00::/8"));

    private static String client(List<Station> way) {
        var client = ForwardedFor.client(way, TRUSTED::contains);
        if (client == null) return "nobody";
        return client.address() == null ? "hidden" : client.address().getHostAddress();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "203.0.113.7 | 203.0.113.7",
                "198.51.100.1, 203.0.113.7 | 203.0.113.7",
                "198.51.100.1, 203.0.113.7, 10.0.0.1 | 203.0.113.7",
                "203.0.113.7,10.0.0.2,10.0.0.1 | 203.0.113.7",
                "10.0.0.9, 10.0.0.1 | 10.0.0.9",
                "203.0.113.7:4711 | 203.0.113.7",
                "2001:db8::7 | 2001:db8:0:0:0:0:0:7",
                "[2001:db8::7]:4711, fd00::1 | 2001:db8:0:0:0:0:0:7",
                "203.0.113.7, unknown | hidden",
                "203.0.113.7, | hidden",
                "unknown, 203.0.113.7 | 203.0.113.7",
                "203.0.113.7, evil.example | hidden"
            })
    void theRightmostThatIsNotTrustedIsTheClient(String header, String client) {
        assertThat(client(ForwardedFor.ofList(List.of(header), false))).isEqualTo(client);
    }

    @Test
    void linesAreOneList() {
        assertThat(client(ForwardedFor.ofList(List.of("198.51.100.1", "203.0.113.7", "10.0.0.1"), false)))
                .isEqualTo("203.0.113.7");
        assertThat(client(List.of())).isEqualTo("nobody");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '`',
            value = {
                "for=203.0.113.7 | 203.0.113.7",
                "For=203.0.113.7;Proto=https;by=10.0.0.1 | 203.0.113.7",
                "for=198.51.100.1, for=203.0.113.7;proto=http, for=10.0.0.1 | 203.0.113.7",
                "for=\"[2001:db8::7]:4711\" | 2001:db8:0:0:0:0:0:7",
                "for=\"203.0.113.7:_port\" ; by=\"_a,b;c\\\"\" , for=10.0.0.1 | 203.0.113.7",
                "for=203.0.113.7, for=_hidden | hidden",
                "for=203.0.113.7, by=10.0.0.1 | hidden",
                "for=203.0.113.7, for=\"unclosed | hidden",
                "for=203.0.113.7, nonsense | hidden",
                "nonsense, for=203.0.113.7 | hidden"
            })
    void forwardedIsReadAsItsStandardSays(String header, String client) {
        assertThat(client(ForwardedFor.ofElements(List.of(header)))).isEqualTo(client);
    }

    @Test
    void theProtocolIsThatOfTheSameStation() {
        var way = ForwardedFor.ofElements(List.of("for=203.0.113.7;proto=wss, for=10.0.0.1;proto=http"));
        assertThat(way).extracting(Station::tls).containsExactly(true, false);
        assertThat(ForwardedFor.client(way, TRUSTED::contains))
                .isEqualTo(new Client(InetAddress.ofLiteral("203.0.113.7"), true));
    }

    /** As long as a request's head may be. */
    @Test
    void nothingTakesLong() {
        for (var piece : List.of("\"", "for=", "a=\"\\", ";", ",", "for=1;", " ", "\\a", "a", "10.0.0.1,")) {
            var line = piece.repeat(20_000 / piece.length());
            for (var each : List.of(line, "for=\"" + line, "for=\"" + line.replace("\"", "") + "\"")) {
                var start = System.nanoTime();
                ForwardedFor.client(ForwardedFor.ofElements(List.of(each)), TRUSTED::contains);
                ForwardedFor.client(ForwardedFor.ofList(Arrays.asList(each, each), false), TRUSTED::contains);
                assertThat(System.nanoTime() - start).as(piece).isLessThan(1_000_000_000L);
            }
        }
    }
}
