package dev.sluice.support;

import dev.sluice.packet.Packet;
import org.assertj.core.api.AbstractAssert;

/** Owns the comparison of two packets by content, byte arrays too, where {@code equals} compares arrays by identity. */
public final class PacketAssert extends AbstractAssert<PacketAssert, Packet> {
    private PacketAssert(Packet actual) {
        super(actual, PacketAssert.class);
    }

    public static PacketAssert assertThat(Packet actual) {
        return new PacketAssert(actual);
    }

    public PacketAssert isSameAs(Packet expected) {
        isNotNull();
        return reads(PacketText.of((Record) expected));
    }

    /** Compares with the rendering of {@link PacketText}. */
    public PacketAssert reads(String expected) {
        isNotNull();
        var text = PacketText.of((Record) actual);
        if (!text.equals(expected))
            throw failureWithActualExpected(text, expected, "%n  %s%nis not%n  %s", text, expected);
        return this;
    }
}
