package dev.sluice.access.limit;

import java.net.Inet6Address;
import java.net.InetAddress;
import java.util.HexFormat;
import java.util.Map;
import java.util.Set;

/**
 * Who asks for a share.
 *
 * @param address null for none
 * @param identity authenticated user name; empty for anonymous
 * @param limits what its credential or token says: names of {@link Limit} for each of its clients, and with {@code identity.} before them for all
 *     of them together; other names are not looked at
 */
public record Applicant(
        String clientId, String identity, Set<String> groups, Map<String, Long> limits, String address) {
    /** Of an IPv6 address, what a customer is given; the rest is its own choice. */
    private static final int NETWORK_BYTES = 8;

    /** The part of an address that one client is taken to have for itself: all of IPv4, the first 64 bits of IPv6. */
    static String network(String address) {
        try {
            if (!(InetAddress.ofLiteral(address) instanceof Inet6Address six)) return address;
            return HexFormat.of().formatHex(six.getAddress(), 0, NETWORK_BYTES);
        } catch (IllegalArgumentException _) {
            return address;
        }
    }
}
