package dev.sluice.endpoint;

import dev.sluice.broker.Transport;
import dev.sluice.endpoint.FrameParser.Violation;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/** The payload of Close frames: what a client may put into its own, and the answer (RFC 6455, sections 5.5.1 and 7.4). Stateless. */
final class CloseFrame {
    private static final byte[] WITHOUT_STATUS = {};

    private CloseFrame() {}

    static byte[] payload(int status) {
        return new byte[] {(byte) (status >> 8), (byte) status};
    }

    /**
     * The payload that answers a client's Close frame: the same status, without its text.
     *
     * @throws Violation 1002 for a status that nobody may send, 1007 for a text that is not UTF-8
     */
    static byte[] answerTo(ByteBuffer payload) {
        if (!payload.hasRemaining()) return WITHOUT_STATUS;
        if (payload.remaining() == 1) throw new Violation(Transport.PROTOCOL_ERROR, "half a status in a Close frame");
        var status = payload.getShort() & 0xFFFF;
        if (!mayBeSent(status)) throw new Violation(Transport.PROTOCOL_ERROR, "status " + status + " in a Close frame");
        try {
            StandardCharsets.UTF_8.newDecoder().decode(payload);
        } catch (CharacterCodingException _) {
            throw new Violation(Transport.INVALID_DATA, "the text of a Close frame is not UTF-8");
        }
        return payload(status);
    }

    /** The registered codes, except those that stand for what no frame has said; libraries' and applications' own. */
    private static boolean mayBeSent(int status) {
        return switch (status) {
            case 1004, 1005, 1006 -> false;
            default -> status >= 1000 && status <= 1014 || status >= 3000 && status <= 4999;
        };
    }
}
