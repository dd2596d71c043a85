package dev.sluice.uplink.contract;

import com.networknt.schema.SpecificationVersion;
import com.networknt.schema.dialect.BasicDialectRegistry;
import com.networknt.schema.dialect.Dialect;
import com.networknt.schema.dialect.DialectRegistry;
import java.util.List;
import java.util.Set;

/** The drafts of JSON Schema, with those of their keywords and formats replaced that could take long. Stateless. */
final class Dialects {
    /** Draft 4 has no such keywords, or their bounds are true and false. */
    private static final Set<String> NOT_IN_DRAFT_4 = Set.of("const", "exclusiveMaximum", "exclusiveMinimum");

    static final Dialect LATEST = bounded(com.networknt.schema.dialect.Dialects.getDraft202012());
    static final DialectRegistry ALL = new BasicDialectRegistry(List.of(
            bounded(com.networknt.schema.dialect.Dialects.getDraft4()),
            bounded(com.networknt.schema.dialect.Dialects.getDraft6()),
            bounded(com.networknt.schema.dialect.Dialects.getDraft7()),
            bounded(com.networknt.schema.dialect.Dialects.getDraft201909()),
            LATEST));

    private Dialects() {}

    private static Dialect bounded(Dialect draft) {
        var isDraft4 = draft.getSpecificationVersion() == SpecificationVersion.DRAFT_4;
        return Dialect.builder(draft)
                .keywords(Rule.ALL.stream()
                        .filter(it -> !isDraft4 || !NOT_IN_DRAFT_4.contains(it.name()))
                        .toList())
                .formats(formats -> formats.replaceAll((_, format) -> Formats.bounded(format)))
                .build();
    }
}
