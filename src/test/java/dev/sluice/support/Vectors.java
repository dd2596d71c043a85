package dev.sluice.support;

import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/** Owns the byte vectors of {@code vectors/*.txt}: packets as bytes, and what a strict reader makes of them. Immutable. */
public final class Vectors {
    public static final List<String> FILES =
            List.of("connect", "connack", "publish", "acks", "subscribe", "unsubscribe", "ping", "disconnect", "auth");

    private static final Map<String, ProtocolVersion> VERSIONS =
            Map.of("3.1", ProtocolVersion.V3_1, "3.1.1", ProtocolVersion.V3_1_1, "5", ProtocolVersion.V5);
    private static final Map<String, ReasonCode> REASONS = reasons();
    private static final byte CONNECT = 0x10;

    public enum Sender {
        CLIENT,
        SERVER,
        BOTH
    }

    /**
     * One line of a file.
     *
     * @param version empty where no CONNECT was understood before
     * @param expected the text of the packet, or the name of the reason code
     * @param canonical whether the packet is written as these very bytes
     */
    public record Vector(
            String file,
            String name,
            Sender sender,
            Optional<ProtocolVersion> version,
            byte[] bytes,
            String expected,
            boolean canonical) {
        public boolean isValid() {
            return !REASONS.containsKey(expected);
        }

        /** The reason code that the refusal carries. */
        public ReasonCode reason() {
            return REASONS.get(expected);
        }

        /** Whether a client may send it: only such vectors are of use on a socket to the server. */
        public boolean isFromClient() {
            return sender != Sender.SERVER;
        }

        public boolean isFromServer() {
            return sender != Sender.CLIENT;
        }

        /** Whether it is the first packet of its connection; before any other, the client has sent a CONNECT. */
        public boolean isFirst() {
            return version.isEmpty() || (bytes[0] & 0xF0) == CONNECT;
        }

        @Override
        public String toString() {
            return file + ": " + name;
        }
    }

    private Vectors() {}

    public static List<Vector> all() {
        return FILES.stream().flatMap(Vectors::of).toList();
    }

    public static List<Vector> valid() {
        return all().stream().filter(Vector::isValid).toList();
    }

    public static List<Vector> malformed() {
        return all().stream().filter(vector -> !vector.isValid()).toList();
    }

    private static Stream<Vector> of(String file) {
        return lines("/vectors/" + file + ".txt").map(line -> parse(file, line));
    }

    /** The lines of a resource that are neither empty nor a comment. */
    public static Stream<String> lines(String resource) {
        try (InputStream in = Vectors.class.getResourceAsStream(resource)) {
            if (in == null) throw new AssertionError("no resource " + resource);
            return new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.startsWith("#"));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Vector parse(String file, String line) {
        var columns = line.split(" \\| ", 5);
        var expected = columns[4].strip();
        boolean canonical = !expected.startsWith("~ ");
        return new Vector(
                file,
                columns[0].strip(),
                Sender.valueOf(columns[1].toUpperCase(Locale.ROOT)),
                Optional.ofNullable(VERSIONS.get(columns[2])),
                HexFormat.of().parseHex(columns[3].replace(" ", "")),
                canonical ? expected : expected.substring(2),
                canonical);
    }

    private static Map<String, ReasonCode> reasons() {
        return Stream.of(ReasonCode.values()).collect(Collectors.toMap(ReasonCode::name, reason -> reason));
    }
}
