package dev.sluice.endpoint;

import java.net.InetAddress;
import java.util.List;

/** Networks of IP addresses, such as {@code 10.1.0.0/16}. Immutable. */
final class Networks {
    private static final int BYTE = 8;

    private final List<Network> networks;

    private record Network(byte[] address, int bits) {
        boolean contains(byte[] other) {
            if (other.length != address.length) return false;
            for (int i = 0; i < bits; i++) if (bit(address, i) != bit(other, i)) return false;
            return true;
        }

        private static int bit(byte[] bytes, int index) {
            return bytes[index / BYTE] >> BYTE - 1 - index % BYTE & 1;
        }
    }

    /** @throws IllegalArgumentException for a text that is no address and no network */
    Networks(List<String> texts) {
        networks = texts.stream().map(Networks::network).toList();
    }

    private static Network network(String text) {
        var slash = text.indexOf('/');
        try {
            var address = InetAddress.ofLiteral(slash < 0 ? text : text.substring(0, slash))
                    .getAddress();
            var most = address.length * BYTE;
            var bits = slash < 0 ? most : Integer.parseInt(text.substring(slash + 1));
            if (bits >= 0 && bits <= most) return new Network(address, bits);
        } catch (IllegalArgumentException _) {
            // as for too many bits
        }
        throw new IllegalArgumentException("\"" + text + "\" is no network; write 10.1.0.0/16, fd00::/8 or 192.0.2.7");
    }

    boolean contains(InetAddress address) {
        var bytes = address.getAddress();
        return networks.stream().anyMatch(network -> network.contains(bytes));
    }

    boolean isEmpty() {
        return networks.isEmpty();
    }
}
