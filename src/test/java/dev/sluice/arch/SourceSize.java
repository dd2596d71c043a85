package dev.sluice.arch;

import com.sun.source.tree.BlockTree;
import com.sun.source.tree.ClassTree;
import com.sun.source.tree.CompilationUnitTree;
import com.sun.source.tree.MethodTree;
import com.sun.source.tree.Tree;
import com.sun.source.util.JavacTask;
import com.sun.source.util.TreePathScanner;
import com.sun.source.util.Trees;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

/** Measures sources as the compiler reads them: a method counts from its annotations to its closing brace. */
final class SourceSize {
    static final int FILE_LINES = 400;
    static final int METHOD_LINES = 40;

    private SourceSize() {}

    /** A sentence for each file and method below a folder that is too long. */
    static List<String> breaches(Path folder) {
        try (var files = Files.walk(folder)) {
            return breaches(files.filter(it -> it.toString().endsWith(".java"))
                    .map(SourceSize::source)
                    .toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static List<String> breaches(String source) {
        return breaches(List.of(new Source("A.java", source)));
    }

    private static Source source(Path file) {
        try {
            return new Source(file.getFileName().toString(), Files.readString(file));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static List<String> breaches(List<Source> sources) {
        var breaches = new ArrayList<String>();
        for (var source : sources) {
            var lines = source.text.lines().count();
            if (lines > FILE_LINES) breaches.add(source.fileName + " has " + lines + " lines");
        }
        var task = (JavacTask) ToolProvider.getSystemJavaCompiler().getTask(null, null, null, List.of(), null, sources);
        try {
            for (var unit : task.parse()) new Methods(unit, Trees.instance(task), breaches).scan(unit, null);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return breaches;
    }

    private static final class Methods extends TreePathScanner<Void, Void> {
        private final CompilationUnitTree unit;
        private final Trees trees;
        private final List<String> breaches;

        Methods(CompilationUnitTree unit, Trees trees, List<String> breaches) {
            this.unit = unit;
            this.trees = trees;
            this.breaches = breaches;
        }

        @Override
        public Void visitMethod(MethodTree method, Void unused) {
            measure(method, method.getName().toString());
            return super.visitMethod(method, unused);
        }

        @Override
        public Void visitClass(ClassTree type, Void unused) {
            for (var member : type.getMembers()) if (member instanceof BlockTree) measure(member, "an initialiser");
            return super.visitClass(type, unused);
        }

        private void measure(Tree tree, String name) {
            var start = trees.getSourcePositions().getStartPosition(unit, tree);
            var end = trees.getSourcePositions().getEndPosition(unit, tree);
            if (start < 0 || end < 0) return; // made by the compiler: not in the source
            var lines = unit.getLineMap().getLineNumber(end) - unit.getLineMap().getLineNumber(start) + 1;
            if (lines > METHOD_LINES)
                breaches.add(Path.of(unit.getSourceFile().getName()).getFileName() + ": " + name + " has " + lines
                        + " lines");
        }
    }

    private static final class Source extends SimpleJavaFileObject {
        private final String fileName;
        private final String text;

        Source(String fileName, String text) {
            super(URI.create("string:///" + fileName), JavaFileObject.Kind.SOURCE);
            this.fileName = fileName;
            this.text = text;
        }

        @Override
        public CharSequence getCharContent(boolean ignoreEncodingErrors) {
            return text;
        }
    }
}
