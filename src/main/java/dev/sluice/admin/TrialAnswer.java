package dev.sluice.admin;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.sluice.packet.ReasonCode;
import dev.sluice.uplink.record.RouteTrial;
import dev.sluice.uplink.route.Failure;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import org.eclipse.microprofile.openapi.annotations.media.Schema;

/** The answer to a trial: the records of a message, or why it has none. Immutable. */
@Schema(name = "RouteTrial", description = "What would become of a message; nothing has been produced")
@JsonInclude(JsonInclude.Include.NON_NULL)
record TrialAnswer(
        @Schema(
                description =
                        "Whether records would be produced, the device would get an error, or the message would be acknowledged and dropped",
                enumeration = {PRODUCED, REFUSED, DROPPED})
        String outcome,

        @Schema(description = "Why the message would be refused")
        Trouble refusal,

        @Schema(description = "Every record, in the order of the routes' names")
        List<Produced> records,

        @Schema(description = "Every route without a record")
        List<Silent> others) {
    static final String PRODUCED = "produced";
    static final String REFUSED = "refused";
    static final String DROPPED = "dropped";

    @Schema(name = "RouteTrialFailure")
    record Trouble(
            @Schema(examples = "contract-broken") String error,

            @Schema(description = "The reason code that an MQTT 5 device gets", examples = "0x99")
            String reasonCode,

            String detail) {
        static Trouble of(Failure failure) {
            return failure == null ? null : new Trouble(failure.kind().code(), hex(failure.reason()), failure.why());
        }
    }

    @Schema(name = "RouteTrialRecord")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Produced(
            @Schema(description = "Empty for the dead letter of a message that no route takes")
            String route,

            String kafkaTopic,

            @Schema(description = "A number, or how it is chosen", examples = "key")
            String partition,

            @Schema(description = "Missing if there is none, or if it is not text")
            String key,

            @Schema(description = "Instead of key where that is not text")
            String keyBase64,

            @Schema(description = "In mqtt-seq it says 0/1; the message id is that of packet identifier 1")
            List<Header> headers,

            @Schema(description = "Missing where it is not text")
            String value,

            @Schema(description = "Instead of value where that is not text")
            String valueBase64,

            @Schema(description = "Why it is a dead letter; missing if it is not one")
            Trouble deadLetter) {
        static Produced of(RouteTrial.Produced record) {
            return new Produced(
                    record.route(),
                    record.kafkaTopic(),
                    record.partition(),
                    text(record.key()),
                    base64(record.key()),
                    record.headers().stream().map(Header::of).toList(),
                    text(record.value()),
                    base64(record.value()),
                    Trouble.of(record.failure()));
        }
    }

    @Schema(name = "RouteTrialHeader")
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Header(
            String name,

            @Schema(description = "Missing where it is not text")
            String value,

            @Schema(description = "Instead of value where that is not text")
            String valueBase64) {
        static Header of(RouteTrial.Header header) {
            return new Header(header.name(), text(header.value()), base64(header.value()));
        }
    }

    @Schema(name = "RouteTrialSilent")
    record Silent(
            String route,
            @Schema(examples = "its filter does not match") String why) {}

    static TrialAnswer of(RouteTrial.Answer answer) {
        var outcome = answer.refusal() != null ? REFUSED : answer.records().isEmpty() ? DROPPED : PRODUCED;
        return new TrialAnswer(
                outcome,
                Trouble.of(answer.refusal()),
                answer.records().stream().map(Produced::of).toList(),
                answer.silent().stream()
                        .map(it -> new Silent(it.route(), it.why()))
                        .toList());
    }

    /** Returns the answer for a message that the broker refuses before any route is asked. */
    static TrialAnswer refused(String error, ReasonCode reason, String why) {
        return new TrialAnswer(REFUSED, new Trouble(error, hex(reason), why), List.of(), List.of());
    }

    private static String hex(ReasonCode reason) {
        return "0x%02X".formatted(reason.value());
    }

    /** Null without bytes, or if they are not UTF-8. */
    private static String text(byte[] bytes) {
        if (bytes == null) return null;
        try {
            return StandardCharsets.UTF_8
                    .newDecoder()
                    .decode(ByteBuffer.wrap(bytes))
                    .toString();
        } catch (CharacterCodingException _) {
            return null;
        }
    }

    /** Null where {@link #text} says it all. */
    private static String base64(byte[] bytes) {
        return bytes == null || text(bytes) != null ? null : Base64.getEncoder().encodeToString(bytes);
    }
}
