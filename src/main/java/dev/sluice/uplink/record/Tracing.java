package dev.sluice.uplink.record;

import dev.sluice.packet.Properties;
import dev.sluice.uplink.route.HeaderNames;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.api.trace.propagation.W3CTraceContextPropagator;
import io.opentelemetry.context.Context;
import io.opentelemetry.context.propagation.TextMapGetter;
import java.nio.charset.StandardCharsets;
import org.apache.kafka.common.header.Headers;

/**
 * Continues the trace that a message's user properties name into the headers of its records, as W3C Trace Context has it. Any
 * thread may use it. While OpenTelemetry is off, a span is only a name for the client's own context.
 */
public final class Tracing {
    /** Passes contexts on as they came. */
    public static final Tracing OFF = new Tracing(OpenTelemetry.noop());

    private static final W3CTraceContextPropagator W3C = W3CTraceContextPropagator.getInstance();

    private static final TextMapGetter<Properties> GETTER = new TextMapGetter<>() {
        @Override
        public Iterable<String> keys(Properties properties) {
            return W3C.fields();
        }

        @Override
        public String get(Properties properties, String key) {
            for (var property : properties.userProperties()) if (property.name().equals(key)) return property.value();
            return null;
        }
    };

    private final Tracer tracer;

    public Tracing(OpenTelemetry telemetry) {
        tracer = telemetry.getTracer("dev.sluice");
    }

    /** Begins the span of a record; null if the message names no trace, or in a way that W3C does not allow. */
    public Span begin(Properties properties, String kafkaTopic) {
        if (GETTER.get(properties, HeaderNames.TRACE_PARENT) == null) return null;
        var parent = W3C.extract(Context.root(), properties, GETTER);
        if (!Span.fromContext(parent).getSpanContext().isValid()) return null;
        return tracer.spanBuilder(kafkaTopic + " publish")
                .setParent(parent)
                .setSpanKind(SpanKind.PRODUCER)
                .setAttribute("messaging.system", "kafka")
                .setAttribute("messaging.operation.type", "send")
                .setAttribute("messaging.destination.name", kafkaTopic)
                .startSpan();
    }

    /** Names the span in a record's headers, for those who go on from there. */
    public static void inject(Span span, Headers headers) {
        W3C.inject(
                Context.root().with(span),
                headers,
                (to, name, value) -> to.add(name, value.getBytes(StandardCharsets.US_ASCII)));
    }

    /** @param error what became of the record instead; null if Kafka has it */
    public static void end(Span span, String error) {
        if (error != null) span.setStatus(StatusCode.ERROR, error);
        span.end();
    }
}
