package dev.sluice.endpoint;

import java.net.InetAddress;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/** What proxies say in {@code Forwarded} (RFC 7239) or {@code X-Forwarded-For} about the way of a request. Stateless. */
final class ForwardedFor {
    /** A pair of an element of {@code Forwarded}, or what ends the pair or the element. */
    private static final Pattern PIECE =
            Pattern.compile("\\s*([!#$%&'*+.^_`|~\\w-]+)=(\"(?:[^\"\\\\]++|\\\\.)*+\"|[^\",;\\s]*)\\s*([,;]|$)");

    private static final Pattern WITH_PORT = Pattern.compile("\\[([0-9A-Fa-f:.]+)](?::\\w+)?|([0-9.]+):\\w+");

    private ForwardedFor() {}

    /**
     * One station of the way.
     *
     * @param node its address, with or without a port, or what the proxy says instead
     * @param tls whether the station spoke TLS to the proxy that names it
     */
    record Station(String node, boolean tls) {}

    /**
     * The station of the client.
     *
     * @param address null if the proxy hides it or says nothing that is one
     */
    record Client(InetAddress address, boolean tls) {}

    /**
     * The client's station: the one nearest to the gateway whose address is not that of a trusted proxy, since only trusted ones have
     * written what stands behind it; the first one if all are trusted. What stands in front of it is not looked at.
     *
     * @return null if there is no station
     */
    static Client client(List<Station> way, Predicate<InetAddress> isTrusted) {
        Client client = null;
        for (var station : way.reversed()) {
            client = new Client(address(station.node), station.tls);
            if (client.address == null || !isTrusted.test(client.address)) return client;
        }
        return client;
    }

    /** @param lines of {@code X-Forwarded-For} */
    static List<Station> ofList(List<String> lines, boolean tls) {
        var way = new ArrayList<Station>();
        for (var line : lines) for (var node : line.split(",", -1)) way.add(new Station(node.strip(), tls));
        return way;
    }

    /** @param lines of {@code Forwarded}; one that breaks the syntax hides its client from there on */
    static List<Station> ofElements(List<String> lines) {
        var way = new ArrayList<Station>();
        for (var line : lines) addElements(line, way);
        return way;
    }

    private static void addElements(String line, List<Station> way) {
        var pieces = PIECE.matcher(line);
        String node = "";
        var tls = false;
        var at = 0;
        while (at < line.length() && pieces.region(at, line.length()).lookingAt()) {
            var value = unquoted(pieces.group(2));
            switch (pieces.group(1).toLowerCase(Locale.ROOT)) {
                case "for" -> node = value;
                case "proto" -> tls = isTls(value);
                default -> {}
            }
            at = pieces.end();
            if (pieces.group(3).equals(";")) continue;
            way.add(new Station(node, tls));
            node = "";
            tls = false;
        }
        if (at < line.length()) way.add(new Station("", false));
    }

    private static String unquoted(String value) {
        return value.startsWith("\"") ? value.substring(1, value.length() - 1).replaceAll("\\\\(.)", "$1") : value;
    }

    static boolean isTls(String protocol) {
        return protocol.equalsIgnoreCase("https") || protocol.equalsIgnoreCase("wss");
    }

    /** Null if the text is no address, with or without a port. */
    private static InetAddress address(String node) {
        var withPort = WITH_PORT.matcher(node);
        if (withPort.matches()) return address(withPort.group(1) != null ? withPort.group(1) : withPort.group(2));
        try {
            return InetAddress.ofLiteral(node);
        } catch (IllegalArgumentException _) {
            return null;
        }
    }
}
