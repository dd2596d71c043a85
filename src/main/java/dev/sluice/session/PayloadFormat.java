package dev.sluice.session;

import dev.sluice.codec.Utf8;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;

/** Owns the check of payloads against their Payload Format Indicator (section 3.3.2.3.2). Stateless. */
public final class PayloadFormat {
    /** The answer to a payload that is not what it claims to be. */
    public static final String NOT_TEXT = "the payload is not UTF-8, which its Payload Format Indicator claims";

    private PayloadFormat() {}

    /** False if the properties claim UTF-8 and the payload is none. */
    public static boolean holds(Properties properties, byte[] payload) {
        return properties.isEmpty()
                || properties.number(Property.PAYLOAD_FORMAT_INDICATOR, 0) == 0
                || Utf8.isWellFormed(payload);
    }
}
