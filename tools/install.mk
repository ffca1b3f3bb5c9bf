# install.mk - make install [PREFIX=/usr/local] [DESTDIR=]. The tools find the library and each other from where
# they lie (../lib/opt4, ../share/opt4), so the tree may be moved as a whole.
TO = $(DESTDIR)$(PREFIX)
LIBDIR    ?= lib
PYTHONDIR ?= share/opt4/python
MAN := $(wildcard tools/man/*.[1-8])

install: all
	install -d $(TO)/bin $(TO)/$(LIBDIR)/opt4 $(TO)/share/opt4/opt4_trace
	install -m 755 $B/opt4 $B/opt4d $B/opt4-trace $(TO)/bin
	install -m 755 $B/libopt4.so $(TO)/$(LIBDIR)/opt4
	install -d $(TO)/$(PYTHONDIR)/opt4
	install -m 644 tools/python/opt4/*.py $(TO)/$(PYTHONDIR)/opt4
	install -d $(TO)/$(LIBDIR)/opt4/live/opt4_live
	install -m 644 $B/opt4_live/sitecustomize.py $(TO)/$(LIBDIR)/opt4/live
	install -m 644 $B/opt4_live/opt4_live/*.py $(TO)/$(LIBDIR)/opt4/live/opt4_live
	ln -sf $$(realpath -sm --relative-to=/$(LIBDIR)/opt4 /bin/opt4d) $(TO)/$(LIBDIR)/opt4/opt4d    # the library looks beside itself
	install -m 644 $B/opt4_trace/*.py $(TO)/share/opt4/opt4_trace
	for page in $(MAN); do \
	  install -D -m 644 $$page $(TO)/share/man/man$${page##*.}/$${page##*/} || exit 1; done
	install -D -m 644 tools/completion/opt4.bash $(TO)/share/bash-completion/completions/opt4
	ln -sf opt4 $(TO)/share/bash-completion/completions/opt4-trace
	install -D -m 644 tools/completion/_opt4 $(TO)/share/zsh/site-functions/_opt4

.PHONY: install
