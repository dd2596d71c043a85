package dev.sluice.uplink.contract;

import com.networknt.schema.ExecutionConfig;
import com.networknt.schema.ExecutionContext;
import java.util.Locale;

/** One check as the library of JSON Schema goes through it: told at every rule, it holds the limit. Confined to the thread of the check. */
final class CheckContext extends ExecutionContext {
    /** Formats are asserted where the draft says so. */
    private static final ExecutionConfig CONFIG = ExecutionConfig.builder()
            .locale(Locale.ROOT)
            .formatAssertionsEnabled(null)
            .failFast(true)
            .build();

    private final CheckLimit limit;

    CheckContext(CheckLimit limit) {
        super(CONFIG);
        this.limit = limit;
    }

    @Override
    public void evaluationPathAddLast(String token) {
        limit.enter();
        super.evaluationPathAddLast(token);
    }

    @Override
    public void evaluationPathAddLast(int token) {
        limit.enter();
        super.evaluationPathAddLast(token);
    }

    @Override
    public void evaluationPathRemoveLast() {
        limit.leave();
        super.evaluationPathRemoveLast();
    }
}
