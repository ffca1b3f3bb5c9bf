# ncurses.mk - `opt4 top`'s live view is built where pkg-config finds ncurses; `make` does not need it.
NCURSES := $(shell for p in ncursesw ncurses; do pkg-config --exists $$p 2>/dev/null && echo $$p && break; done)
ifneq ($(NCURSES),)
$B/tools/opt4/top/curses.o: CFLAGS_ALL += -DOPT4_NCURSES $(shell pkg-config --cflags $(NCURSES))
$B/opt4: override LDFLAGS += $(shell pkg-config --libs $(NCURSES))
endif
