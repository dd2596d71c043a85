package dev.sluice.session;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;

import dev.sluice.packet.Packet;
import dev.sluice.packet.Properties;
import dev.sluice.packet.Property;
import dev.sluice.packet.ProtocolVersion;
import dev.sluice.packet.ReasonCode;
import java.util.Collections;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** Between CONNECT and the opening of the session, and again while the client is online. */
class AuthenticationTest {
    private static final String METHOD = "SCRAM-SHA-256";
    private static final Event.SessionOpened OPENED =
            new Event.SessionOpened(false, false, Collections.emptySortedMap(), 0, false);

    private static byte[] data(String text) {
        return text.getBytes(UTF_8);
    }

    private static Properties method(String method, String data) {
        var named = Properties.NONE.with(Property.AUTHENTICATION_METHOD, method);
        return data == null ? named : named.with(Property.AUTHENTICATION_DATA, data(data));
    }

    private static Packet.Auth auth(ReasonCode reason, String data) {
        return new Packet.Auth(reason, method(METHOD, data));
    }

    private static Packet.Connect connect(Properties properties) {
        return SessionRig.connect(ProtocolVersion.V5, "c1", true, 60, properties);
    }

    /** A client that was sent a challenge. */
    private static SessionRig challenged() {
        var rig = new SessionRig(ProtocolVersion.V5);
        rig.receives(connect(method(METHOD, "first")));
        assertThat(rig.on(new Event.Challenged(data("challenge"))))
                .containsExactly(SessionRig.send(auth(ReasonCode.CONTINUE_AUTHENTICATION, "challenge")));
        return rig;
    }

    private static SessionRig online() {
        var rig = challenged();
        rig.receives(auth(ReasonCode.CONTINUE_AUTHENTICATION, "answer"));
        rig.authenticated();
        rig.on(OPENED);
        return rig;
    }

    @ParameterizedTest
    @EnumSource
    void aClientIsJudgedBeforeItsSessionIsOpened(ProtocolVersion version) {
        var rig = new SessionRig(version);
        var password = data("secret");
        var connect = new Packet.Connect(version, true, 60, "c1", null, "user", password, Properties.NONE);
        assertThat(rig.receives(connect)).containsExactly(new Effect.Authenticate(connect, "c1"));
        assertThat(rig.session.wantsMore()).isFalse();
        assertThat(rig.authenticated())
                .containsExactly(new Effect.OpenSession(connect.withoutPassword(), rig.session.grant()));
    }

    @Test
    void thePasswordIsLetGo() {
        var rig = new SessionRig(ProtocolVersion.V5);
        var version = ProtocolVersion.V5;
        rig.receives(new Packet.Connect(version, true, 60, "c1", null, "user", data("secret"), Properties.NONE));
        assertThat(rig.session.phase()).isInstanceOfSatisfying(Phase.Authenticating.class, it -> {
            assertThat(it.connect().password()).isNull();
            assertThat(it.connect().username()).isEqualTo("user");
        });
    }

    @ParameterizedTest
    @EnumSource
    void aClientThatIsDeniedIsToldInTheConnAck(ProtocolVersion version) {
        for (var reason :
                List.of(ReasonCode.BAD_USER_NAME_OR_PASSWORD, ReasonCode.NOT_AUTHORIZED, ReasonCode.SERVER_BUSY)) {
            var rig = new SessionRig(version);
            rig.receives(rig.connect("c1", true));
            var effects = rig.on(new Event.Denied(reason, "why"));
            assertThat(SessionRig.ends(effects)).containsExactly(reason, reason);
            assertThat(rig.authenticated()).isEmpty();
        }
    }

    /** [MQTT-4.12.0-2] [MQTT-4.12.0-5] */
    @Test
    void challengesAreSentByAuthAndTheLastDataByConnAck() {
        var rig = challenged();
        assertThat(rig.session.wantsMore()).isTrue();
        assertThat(rig.receives(auth(ReasonCode.CONTINUE_AUTHENTICATION, "answer")))
                .singleElement()
                .isInstanceOfSatisfying(
                        Effect.ContinueAuthentication.class,
                        it -> assertThat(it.data()).asString().isEqualTo("answer"));
        assertThat(rig.session.wantsMore()).isFalse();
        assertThat(rig.on(new Event.Authenticated(SessionRig.LIMITS, data("last"))))
                .hasExactlyElementsOfTypes(Effect.OpenSession.class);
        var connAck = (Packet.ConnAck) ((Effect.Send) rig.on(OPENED).getFirst()).packet();
        assertThat(connAck.properties().text(Property.AUTHENTICATION_METHOD)).isEqualTo(METHOD);
        assertThat(connAck.properties().binary(Property.AUTHENTICATION_DATA))
                .asString()
                .isEqualTo("last");
    }

    @Test
    void withoutAMethodConnAckHasNone() {
        var rig = new SessionRig(ProtocolVersion.V5);
        rig.connects(connect(Properties.NONE));
        var connAck = (Packet.ConnAck) ((Effect.Send) rig.on(OPENED).getFirst()).packet();
        assertThat(connAck.properties().has(Property.AUTHENTICATION_METHOD)).isFalse();
    }

    /** [MQTT-3.1.2-30] */
    @Test
    void nothingButAuthAndDisconnectIsTakenBeforeConnAck() {
        assertThat(SessionRig.ends(challenged().receives(new Packet.PingReq())))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
        var again = auth(ReasonCode.RE_AUTHENTICATE, "x");
        assertThat(SessionRig.ends(challenged().receives(again)))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
        var bye = new Packet.Disconnect(ReasonCode.SUCCESS, Properties.NONE);
        assertThat(SessionRig.ends(challenged().receives(bye))).containsExactly(ReasonCode.SUCCESS);
    }

    /** [MQTT-4.12.0-5] [MQTT-4.12.1-1] */
    @ParameterizedTest
    @CsvSource({"CONTINUE_AUTHENTICATION", "RE_AUTHENTICATE"})
    void anotherMethodIsAProtocolError(ReasonCode reason) {
        var rig = reason == ReasonCode.RE_AUTHENTICATE ? online() : challenged();
        assertThat(SessionRig.ends(rig.receives(new Packet.Auth(reason, method("OTHER", "x")))))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
    }

    @Test
    void aClientIsGrantedWhatItMayHave() {
        var rig = new SessionRig(ProtocolVersion.V5);
        rig.receives(connect(Properties.NONE.with(Property.SESSION_EXPIRY_INTERVAL, 900)));
        assertThat(rig.session.grant().sessionExpiry()).isEqualTo(900);
        var own = SessionRig.limits(QueuePolicy.DROP_NEWEST, 300);
        rig.on(new Event.Authenticated(own, null));
        assertThat(rig.session.grant().sessionExpiry()).isEqualTo(300);
        var connAck = (Packet.ConnAck) ((Effect.Send) rig.on(OPENED).getFirst()).packet();
        assertThat(connAck.properties().number(Property.SESSION_EXPIRY_INTERVAL, 0))
                .isEqualTo(300);
    }

    @Test
    void anIdThatWasAssignedStays() {
        var rig = new SessionRig(ProtocolVersion.V5);
        rig.receives(SessionRig.connect(ProtocolVersion.V5, "", true, 60, Properties.NONE));
        var assigned = rig.session.grant().clientId();
        rig.authenticated();
        assertThat(rig.session.grant().clientId()).isEqualTo(assigned);
    }

    @Test
    void aSocketThatIsGoneOpensNothing() {
        var rig = challenged();
        assertThat(rig.on(new Event.TransportClosed())).isEmpty();
        assertThat(rig.authenticated()).isEmpty();
    }

    @Test
    void theGatewayMayEndIt() {
        var reason = ReasonCode.SERVER_SHUTTING_DOWN;
        assertThat(SessionRig.ends(challenged().on(new Event.Ended(reason, "why"))))
                .containsExactly(ReasonCode.SERVER_UNAVAILABLE, reason);
    }

    /** [MQTT-4.12.1-2] */
    @Test
    void aClientMayProveItselfAgain() {
        var rig = online();
        assertThat(rig.receives(auth(ReasonCode.RE_AUTHENTICATE, "again")))
                .hasExactlyElementsOfTypes(Effect.Reauthenticate.class);
        assertThat(rig.session.wantsMore()).isTrue();
        rig.on(new Event.Challenged(data("challenge")));
        assertThat(rig.receives(auth(ReasonCode.CONTINUE_AUTHENTICATION, "answer")))
                .hasExactlyElementsOfTypes(Effect.ContinueAuthentication.class);
        assertThat(rig.on(new Event.Authenticated(SessionRig.LIMITS, data("last"))))
                .containsExactly(SessionRig.send(auth(ReasonCode.SUCCESS, "last")));
        assertThat(rig.receives(auth(ReasonCode.RE_AUTHENTICATE, "a third time")))
                .hasExactlyElementsOfTypes(Effect.Reauthenticate.class);
        assertThat(SessionRig.ends(rig.on(new Event.Denied(ReasonCode.BAD_USER_NAME_OR_PASSWORD, "why"))))
                .containsExactly(ReasonCode.NOT_AUTHORIZED, ReasonCode.BAD_USER_NAME_OR_PASSWORD);
    }

    @Test
    void whileItIsJudgedAgainItSaysNothingMoreOfThat() {
        var rig = online();
        rig.receives(auth(ReasonCode.RE_AUTHENTICATE, "again"));
        assertThat(SessionRig.ends(rig.receives(auth(ReasonCode.RE_AUTHENTICATE, "again"))))
                .containsExactly(ReasonCode.PROTOCOL_ERROR, ReasonCode.PROTOCOL_ERROR);
    }
}
