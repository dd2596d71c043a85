package dev.sluice.session;

import dev.sluice.codec.MqttFault;
import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ReasonCode;
import java.util.function.Consumer;

/**
 * Whose turn it is in a client's proof of who it is, by CONNECT and by AUTH (section 4.12). Confined to the connection's event loop.
 */
final class AuthExchange {
    private enum Turn {
        NOBODY,
        GATEWAY,
        CLIENT
    }

    /** The Authentication Method of CONNECT, null without one. */
    private final String method;

    private Turn turn = Turn.GATEWAY;
    /** The last Authentication Data for the client, until CONNACK has it; null for none. */
    private byte[] last;

    AuthExchange(Packet.Connect connect) {
        this.method = connect.properties().text(Property.AUTHENTICATION_METHOD);
    }

    /** Whether an AUTH of the client is awaited. */
    boolean awaitsClient() {
        return turn == Turn.CLIENT;
    }

    void received(Packet.Auth auth, Consumer<Effect> out) {
        if (method == null) // [MQTT-4.12.0-6] [MQTT-4.12.0-7]
        throw fault("AUTH without an authentication method in CONNECT");
        if (!method.equals(auth.properties().text(Property.AUTHENTICATION_METHOD))) // [MQTT-4.12.0-5] [MQTT-4.12.1-1]
        throw fault("AUTH with another authentication method than CONNECT");
        var again = auth.reason() == ReasonCode.RE_AUTHENTICATE;
        if (turn != (again ? Turn.NOBODY : Turn.CLIENT))
            throw fault(again ? "AUTH begins anew what is not over" : "AUTH that nothing asked for");
        turn = Turn.GATEWAY;
        var data = auth.properties().binary(Property.AUTHENTICATION_DATA);
        out.accept(again ? new Effect.Reauthenticate(data) : new Effect.ContinueAuthentication(data));
    }

    private static MqttFault fault(String why) {
        return new MqttFault(ReasonCode.PROTOCOL_ERROR, why);
    }

    void challenged(byte[] data, Consumer<Effect> out) {
        turn = Turn.CLIENT;
        send(ReasonCode.CONTINUE_AUTHENTICATION, data, out); // [MQTT-4.12.0-2]
    }

    /** The client has proved who it is; {@code data} is for CONNACK. */
    void proved(byte[] data) {
        turn = Turn.NOBODY;
        last = data;
    }

    /** Adds what CONNACK has to say of the proof [MQTT-4.12.0-5]. */
    Properties inConnAck(Properties properties) {
        var all = with(properties, last);
        last = null;
        return all;
    }

    /** The same for a client that is online. */
    void provedAgain(byte[] data, Consumer<Effect> out) {
        turn = Turn.NOBODY;
        send(ReasonCode.SUCCESS, data, out);
    }

    private void send(ReasonCode reason, byte[] data, Consumer<Effect> out) {
        out.accept(new Effect.Send(new Packet.Auth(reason, with(Properties.NONE, data))));
    }

    private Properties with(Properties properties, byte[] data) {
        if (method == null) return properties;
        var named = properties.with(Property.AUTHENTICATION_METHOD, method);
        return data == null ? named : named.with(Property.AUTHENTICATION_DATA, data);
    }
}
