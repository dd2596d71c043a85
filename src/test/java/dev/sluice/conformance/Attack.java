package dev.sluice.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.support.ByteText;
import dev.sluice.support.Frames;
import dev.sluice.support.PacketText;
import dev.sluice.support.RawHttp;
import dev.sluice.support.Vectors;
import dev.sluice.support.WireClient;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One attack or strange client of {@code attacks/*.txt}, whose comment explains the lines.
 *
 * @param tries what it tries, and what must happen
 */
record Attack(String name, String tries, List<String> lines) {
    private static final Map<String, ProtocolVersion> VERSIONS =
            Map.of("3.1", ProtocolVersion.V3_1, "3.1.1", ProtocolVersion.V3_1_1, "5", ProtocolVersion.V5);

    private static final Pattern VALUE = Pattern.compile("\\$([A-Z][A-Z_]*)\\b(?!/)");

    /** The attacks of a file, one for each version that it is for. */
    static List<Attack> of(String file) {
        var attacks = new ArrayList<Attack>();
        for (var section :
                String.join("\n", Vectors.lines("/attacks/" + file).toList()).split("(?m)^== ")) {
            if (section.isBlank()) continue;
            var lines = section.lines().toList();
            var versions =
                    lines.stream().filter(it -> it.startsWith("versions ")).findFirst();
            var rest = lines.subList(2, lines.size()).stream()
                    .filter(it -> !it.startsWith("versions "))
                    .toList();
            if (versions.isEmpty()) attacks.add(new Attack(lines.getFirst(), lines.get(1), rest));
            else
                for (var version : versions.get().substring(9).split(" "))
                    attacks.add(new Attack(
                            lines.getFirst() + ", MQTT " + version,
                            lines.get(1),
                            rest.stream()
                                    .map(it -> it.replace("$VERSION", version))
                                    .toList()));
        }
        return attacks;
    }

    /** The same with values in place of their names: {@code $BAD} for one that is called BAD. */
    Attack with(Map<String, String> values) {
        return new Attack(
                name,
                tries,
                lines.stream()
                        .map(line -> VALUE.matcher(line)
                                .replaceAll(it -> Matcher.quoteReplacement(value(values, it.group(1)))))
                        .toList());
    }

    private static String value(Map<String, String> values, String name) {
        if (!values.containsKey(name)) throw new IllegalArgumentException("no value is called " + name);
        return values.get(name);
    }

    /**
     * Runs it.
     *
     * @param guarded the gateway that it is run against, if access to it is guarded; null for another one
     * @param port of that gateway
     * @param honest is asked again and again whether it is still answered
     */
    void run(GuardedGateway guarded, int port, Runnable honest) {
        try (var socket = new Run(guarded, port)) {
            for (var line : lines) {
                try {
                    var words = line.replace("$ID", socket.ownId).split(" ", 2);
                    if (words[0].equals("expect")) honest.run();
                    socket.perform(words[0], words.length > 1 ? words[1].strip() : "");
                } catch (RuntimeException | AssertionError failed) {
                    throw new AssertionError(
                            name + " (" + tries + "): " + line.substring(0, Math.min(200, line.length())) + ": "
                                    + failed.getMessage(),
                            failed);
                }
            }
        }
        honest.run();
    }

    /** The attacker's socket. Used by one thread. */
    private static final class Run implements AutoCloseable {
        private final int port;
        private final String ownId = Device.id("attack");
        private final GuardedGateway guarded;
        /** What only a gateway whose access is guarded has to withstand; null for another one. */
        private final Intruder intruder;

        private ProtocolVersion version = ProtocolVersion.V5;
        private String clientId = ownId;
        private WireClient client;
        private RawHttp http;
        private Run second;
        private long begun = System.nanoTime();

        private Run(GuardedGateway guarded, int port) {
            this.guarded = guarded;
            this.port = port;
            this.intruder = guarded == null ? null : new Intruder(guarded, ownId);
        }

        private void perform(String what, String rest) {
            switch (what) {
                case "http" -> http().send(RawHttp.upgrade(rest.split(" \\| ")[0], tail(rest.split(" \\| "))));
                case "raw" -> http().send(ByteText.parse(rest));
                case "open" -> open(rest);
                case "bring" -> bring(rest.split(" ", 3));
                case "online" -> online(rest);
                case "again" -> online(rest, clientId);
                case "frame" -> client.sendWhileOpen(frame(rest), 1);
                case "send" -> client.sendWhileOpen(ByteText.parse(rest), 1);
                case "flood" -> flood(rest.split(" ", 2));
                case "drip" -> drip(ByteText.parse(rest));
                case "leave" -> client.close();
                case "second" -> second(rest.split(" ", 2));
                case "expect" -> expect(rest.split(" ", 2)[0], rest.contains(" ") ? rest.split(" ", 2)[1].strip() : "");
                case "connect" -> connect(rest);
                default -> intruder.perform(what, rest, client);
            }
            if (!what.equals("expect")) begun = System.nanoTime();
        }

        private static String[] tail(String[] parts) {
            return Arrays.copyOfRange(parts, 1, parts.length);
        }

        private RawHttp http() {
            if (http == null) http = new RawHttp(port);
            return http;
        }

        private void open(String spoken) {
            close();
            version = VERSIONS.get(spoken);
            client = WireClient.open(port, version);
        }

        private void bring(String[] words) {
            open(words[0]);
            var password = words[2].getBytes(StandardCharsets.UTF_8);
            client.connect(new Packet.Connect(version, true, 60, words[1], null, "x", password, Properties.NONE));
        }

        private void connect(String rest) {
            if (client != null) client.close();
            version = VERSIONS.get(rest.split(" ")[0]);
            client = intruder.connect(version, rest);
        }

        private void online(String rest) {
            online(rest, clientId = Device.id("attack"));
        }

        private void online(String rest, String id) {
            var words = rest.split(" keep-alive=");
            open(words[0]);
            var keepAlive = words.length > 1 ? Integer.parseInt(words[1]) : 60;
            client.connect(new Packet.Connect(version, true, keepAlive, id, null, null, null, Properties.NONE));
            client.receive(Packet.ConnAck.class);
        }

        /** A binary one unless it begins with {@code opcode=}, which a {@code +} follows if more fragments do. */
        private static byte[] frame(String text) {
            if (!text.startsWith("opcode=")) return Frames.binary(ByteText.parse(text));
            var words = text.substring(7).split(" ", 2);
            var payload = words.length > 1 ? ByteText.parse(words[1]) : new byte[0];
            return Frames.masked(!words[0].endsWith("+"), Integer.parseInt(words[0].replace("+", "")), payload);
        }

        private void second(String[] line) {
            if (second == null) second = new Run(guarded, port);
            second.perform(line[0], line.length > 1 ? line[1] : "");
        }

        private void flood(String[] timesAndFrame) {
            var flooding = frame(timesAndFrame.length > 1 ? timesAndFrame[1] : "");
            client.sendWhileOpen(flooding, Integer.parseInt(timesAndFrame[0]));
        }

        /** A byte in a frame every 50 ms, for as long as the gateway takes them. */
        private void drip(byte[] bytes) {
            for (var next : bytes) {
                client.sendWhileOpen(Frames.binary(new byte[] {next}), 1);
                LockSupport.parkNanos(50_000_000);
            }
        }

        private void expect(String what, String rest) {
            switch (what) {
                case "status" -> assertThat(http.status()).isEqualTo(Integer.parseInt(rest));
                case "hang-up" -> within(rest, http::untilClosed);
                case "no-socket" -> assertThat(client).isNull();
                case "late" -> within(rest.split(" ")[0], () -> expect("packet", rest.split(" ", 2)[1]));
                case "packet" ->
                    assertThat(PacketText.of((Record) client.receive())).startsWith(rest);
                case "answered" -> client.sendPackets(new Packet.PingReq()).receive(Packet.PingResp.class);
                case "frame" -> {
                    var next = client.nextFrame();
                    assertThat(next.opcode()).isEqualTo(Integer.parseInt(rest.split(" ")[0]));
                    assertThat(next.payload()).isEqualTo(ByteText.parse(rest.substring(rest.indexOf(' ') + 1)));
                }
                // DISCONNECT tells the reason in MQTT 5 alone
                case "end" -> {
                    if (version.isV5()) expect("packet", "Disconnect reason=" + rest.split(" ")[0]);
                    expect("close", rest.substring(rest.indexOf(' ') + 1));
                }
                case "close" -> {
                    var words = rest.split(" ", 2);
                    within(words.length > 1 ? words[1] : "", () -> assertThat(client.closeStatus())
                            .isEqualTo(Integer.parseInt(words[0])));
                }
                default -> throw new IllegalArgumentException("no such expectation");
            }
        }

        /** @param seconds since the attack: {@code 1..2.5}; at most 4 where nothing is said */
        private void within(String seconds, Runnable waiting) {
            var bounds = (seconds.isEmpty() ? "0..4" : seconds).split("\\.\\.");
            waiting.run();
            var taken = Duration.ofNanos(System.nanoTime() - begun).toMillis() / 1000.0;
            assertThat(taken)
                    .as("seconds until its end")
                    .isBetween(Double.valueOf(bounds[0]), Double.valueOf(bounds[1]));
        }

        @Override
        public void close() {
            if (client != null) client.close();
            if (http != null) http.close();
            if (second != null) second.close();
            if (intruder != null) intruder.close();
            http = null;
        }
    }
}
