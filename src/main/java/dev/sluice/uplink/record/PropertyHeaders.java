package dev.sluice.uplink.record;

import dev.sluice.packet.Properties;
import java.util.List;
import java.util.function.Function;
import org.apache.kafka.common.header.Header;

/**
 * Owns the headers that the last properties of a target's messages became, if they are small: a device repeats them, and need not pay for them
 * anew with each. Confined to the client's event loop.
 */
final class PropertyHeaders {
    private final Function<Properties, List<Header>> style;
    private Properties properties;
    private List<Header> headers;

    /** @param style makes the headers, with what follows from the properties alone */
    PropertyHeaders(Function<Properties, List<Header>> style) {
        this.style = style;
    }

    List<Header> of(Properties some) {
        if (!some.areSmall()) return style.apply(some);
        if (some != properties) {
            headers = style.apply(some);
            properties = some;
        }
        return headers;
    }
}
