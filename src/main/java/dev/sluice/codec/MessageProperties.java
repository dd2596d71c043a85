package dev.sluice.codec;

import dev.sluice.packet.Properties;
import java.nio.ByteBuffer;

/** Owns the properties of a message as bytes by themselves, to be kept: those of PUBLISH or Will on the wire. Stateless. */
public final class MessageProperties {
    private MessageProperties() {}

    /** How many bytes {@link #write} makes of them. */
    public static int size(Properties properties) {
        return PropertiesWriter.size(properties);
    }

    /** The Property Length and what it covers. */
    public static byte[] write(Properties properties) {
        var out = new PacketBuffer();
        PropertiesWriter.write(properties, out);
        return out.toByteArray();
    }

    /**
     * Returns them with the {@link Properties#excess} where they are above a bound.
     *
     * @throws MqttFault for bytes that {@link #write} has not made
     */
    public static Properties read(byte[] bytes, InputBounds bounds) {
        return PropertiesReader.read(PropertyPlace.MESSAGE, ByteBuffer.wrap(bytes), bounds);
    }
}
