/* guest.c - what stands around a method of torch's, without a frame of ours on Python's stack.
 *
 * A warning names a line some frames up, a traceback names them all, and programs walk them: a wrapper written in Python would be
 * among them. A built-in function is not: this one calls `before`, the method itself, and `after`; the two of ours have returned
 * whenever code of the program's runs. Only functions of Python's stable interface, looked up by name: they are there, or nothing is
 * wrapped. Called with Python's lock held. */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include "../live/live.h"
#include "child.h"
#include "hook.h"

typedef struct _object PyObject;
typedef PyObject *function(PyObject *self, PyObject *args, PyObject *kwargs);
struct method { const char *name; function *call; int flags; const char *doc; };   /* PyMethodDef */
#define VARARGS_KEYWORDS 3

static struct {
	PyObject *(*PyCFunction_NewEx)(struct method *, PyObject *self, PyObject *module);
	PyObject *(*PyInstanceMethod_New)(PyObject *);
	PyObject *(*PyTuple_GetItem)(PyObject *, ssize_t);
	ssize_t (*PyTuple_Size)(PyObject *);
	PyObject *(*PyObject_Call)(PyObject *, PyObject *args, PyObject *kwargs);
	PyObject *(*PyObject_CallFunctionObjArgs)(PyObject *, ...);
	PyObject *(*PyBool_FromLong)(long);
	void (*Py_IncRef)(PyObject *);
	void (*Py_DecRef)(PyObject *);
	PyObject *(*PyErr_Occurred)(void);
	int (*PyErr_ExceptionMatches)(PyObject *);
	void (*PyErr_Fetch)(PyObject **, PyObject **, PyObject **);
	void (*PyErr_Restore)(PyObject *, PyObject *, PyObject *);
	void (*PyErr_Clear)(void);
	int (*Py_IsInitialized)(void);
	int (*Py_AddPendingCall)(int (*call)(void *), void *arg);
	PyObject *(*PySys_GetObject)(const char *);
	PyObject *(*PySequence_GetItem)(PyObject *, ssize_t);
	PyObject *(*PyObject_GetAttrString)(PyObject *, const char *);
	PyObject **PyExc_Exception;
	PyObject *_Py_NoneStruct;
} py;

static bool resolve(void)
{
	if (py._Py_NoneStruct)
		return true;
#define NEED(name) if (!(*(void **)(void *)&py.name = dlsym(RTLD_DEFAULT, #name))) return false
	NEED(PyCFunction_NewEx);
	NEED(PyInstanceMethod_New);
	NEED(PyTuple_GetItem);
	NEED(PyTuple_Size);
	NEED(PyObject_Call);
	NEED(PyObject_CallFunctionObjArgs);
	NEED(PyBool_FromLong);
	NEED(Py_IncRef);
	NEED(Py_DecRef);
	NEED(PyErr_Occurred);
	NEED(PyErr_ExceptionMatches);
	NEED(PyErr_Fetch);
	NEED(PyErr_Restore);
	NEED(PyErr_Clear);
	NEED(Py_IsInitialized);
	NEED(Py_AddPendingCall);
	NEED(PySys_GetObject);
	NEED(PySequence_GetItem);
	NEED(PyObject_GetAttrString);
	NEED(PyExc_Exception);
	NEED(_Py_NoneStruct);
	return true;
}

/* A function of ours has raised. What is a mistake of ours is forgotten. What must not be (Ctrl-C, a handler that ends the program)
 * goes on as if it had come where the method was called. True: it must not. */
static bool raised(void)
{
	PyObject *type, *value, *trace;
	if (py.PyErr_ExceptionMatches(*py.PyExc_Exception)) {
		py.PyErr_Clear();
		return false;
	}
	py.PyErr_Fetch(&type, &value, &trace);
	if (trace)
		py.Py_DecRef(trace);
	py.PyErr_Restore(type, value, NULL);
	return true;
}

/* self: (before, real, after); either of ours may be None.
 *     before(*args): None, or (token, the arguments that the method is to get instead, or None)
 *     after(token, args, result, whole): whole is False where the method raised, result None then */
static PyObject *around(PyObject *self, PyObject *args, PyObject *kwargs)
{
	PyObject *before = py.PyTuple_GetItem(self, 0), *real = py.PyTuple_GetItem(self, 1), *after = py.PyTuple_GetItem(self, 2);
	PyObject *none = py._Py_NoneStruct, *told = NULL, *token = none, *given = args, *error[3] = { NULL, NULL, NULL };
	if (before != none && !(told = py.PyObject_Call(before, args, kwargs)) && raised())
		return NULL;
	if (told && told != none) {
		token = py.PyTuple_GetItem(told, 0);
		given = py.PyTuple_GetItem(told, 1);
		if (given == none)
			given = args;
	}
	PyObject *result = py.PyObject_Call(real, given, kwargs);
	if (after != none) {
		if (!result)
			py.PyErr_Fetch(&error[0], &error[1], &error[2]);
		PyObject *whole = py.PyBool_FromLong(result != NULL);
		PyObject *done = py.PyObject_CallFunctionObjArgs(after, token, args, result ? result : none, whole, NULL);
		py.Py_DecRef(whole);
		if (done) {
			py.Py_DecRef(done);
		} else if (raised()) {
			for (int i = 0; i < 3; i++)
				if (error[i])
					py.Py_DecRef(error[i]);
			error[0] = NULL;
			if (result)
				py.Py_DecRef(result);
			result = NULL;
		}
		if (error[0])
			py.PyErr_Restore(error[0], error[1], error[2]);
	}
	if (told)
		py.Py_DecRef(told);
	return result;
}

PyObject *opt4_guest(const char *name, PyObject *parts, int method);   /* no C caller: found by name */

/* A built-in function of that name around parts, a tuple of three; bound like a method of Python's where `method`. A new reference; NULL
 * (and no exception): not in this Python. */
EXPORT PyObject *opt4_guest(const char *name, PyObject *parts, int method)
{
	size_t len = strlen(name) + 1;
	struct method *def = resolve() && py.PyTuple_Size(parts) == 3 ? malloc(sizeof(*def) + len) : NULL;
	if (!def)
		return NULL;
	*def = (struct method){ memcpy(def + 1, name, len), around, VARARGS_KEYWORDS, NULL };   /* for good: the function points to it */
	PyObject *f = py.PyCFunction_NewEx(def, parts, NULL);
	if (f && method) {
		PyObject *bound = py.PyInstanceMethod_New(f);
		py.Py_DecRef(f);
		f = bound;
	}
	return f;
}

/* ---- what is opened where no DataLoader reads: apart.c ---- */

static PyObject *asked;

/* Where torch was not imported: of our finder, which is the first there. A new reference, or NULL and an exception. */
static PyObject *alone(void)
{
	PyObject *path = py.PySys_GetObject("meta_path"), *finder = path ? py.PySequence_GetItem(path, 0) : NULL;
	PyObject *call = finder ? py.PyObject_GetAttrString(finder, "opt4_alone") : NULL;
	if (finder)
		py.Py_DecRef(finder);
	return call;
}

/* In the program's first thread, between two steps of its own. */
static int look(void *arg)
{
	(void)arg;
	PyObject *call = asked ? asked : alone(), *done = call ? py.PyObject_CallFunctionObjArgs(call, NULL) : NULL;
	if (!asked && call)
		py.Py_DecRef(call);
	if (!done)
		return py.PyErr_Occurred() && raised() ? -1 : 0;
	py.Py_DecRef(done);
	return 0;
}

static bool ask(void) { return py.Py_IsInitialized() && py.Py_AddPendingCall(look, NULL) == 0; }

void opt4_apart(PyObject *call, const char *system, size_t bytes);   /* no C caller: found by name */

/* call() is to take opt4_live_names(), now and then. */
EXPORT void opt4_apart(PyObject *call, const char *system, size_t bytes)
{
	if (opt4_inside || !hook_on || asked || !resolve())
		return;
	struct guard g = hook_enter();
	py.Py_IncRef(call);
	asked = call;
	live_apart_begin(ask, system, bytes);
	hook_leave(g);
}

void guest_alone(const char *system, size_t bytes)
{
	if (resolve())
		live_apart_begin(ask, system, bytes);
}
